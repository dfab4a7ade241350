// A button with data-copy="#id" copies the text (or the value) of that element and says so.
(function () {
  "use strict";

  function text_of(element) {
    return "value" in element ? element.value : element.textContent.trim();
  }

  function copy(element) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text_of(element));
    // Plain http on another host than localhost: the old way is all there is.
    var selection = window.getSelection();
    var range = document.createRange();
    range.selectNodeContents(element);
    selection.removeAllRanges();
    selection.addRange(range);
    var done = document.execCommand("copy");
    selection.removeAllRanges();
    return done ? Promise.resolve() : Promise.reject(new Error("not copied"));
  }

  // For a button without a word of its own: what screen readers hear instead.
  function say(text) {
    var said = document.querySelector("[data-said]");
    if (said) said.textContent = text;
  }

  function show() {
    document.querySelectorAll("[data-copy][hidden]").forEach(function (button) {
      button.hidden = false;
    });
  }

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:load", show);
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    var from = button && document.querySelector(button.dataset.copy);
    if (!from) return;
    var label = button.querySelector("[data-copy-label]");
    var before = button.dataset.copyBefore || (label ? label.textContent : "");
    button.dataset.copyBefore = before;
    copy(from).then(
      function () {
        if (label) label.textContent = "Copied";
        else say("Copied");
        button.classList.add("is-copied");
      },
      function () {
        if (label) label.textContent = "Select and copy it by hand";
        else say("It could not be copied. Select and copy it by hand.");
      },
    );
    window.setTimeout(function () {
      if (label) label.textContent = before;
      else say("");
      button.classList.remove("is-copied");
    }, 2000);
  });
})();
