// Says what went wrong when htmx got an answer that is not put into the page, or none at all, and offers to try again.
(function () {
  "use strict";
  var failed = null; // what was asked for

  function box() {
    return document.querySelector("[data-notice]");
  }

  function say(text, asked, is_passing) {
    if (!box()) return;
    failed = asked;
    var line = box().querySelector("[data-notice-text]");
    // A list that asks every few seconds fails every few seconds: once is enough to hear it.
    if (!box().hidden && line.textContent === text) return;
    line.textContent = text;
    box().querySelector("[data-notice-again]").hidden = !is_passing;
    box().hidden = false;
  }

  document.addEventListener("htmx:responseError", function (event) {
    var xhr = event.detail.xhr;
    var plain = (xhr.getResponseHeader("content-type") || "").indexOf("text/plain") === 0;
    var text = plain && xhr.responseText ? xhr.responseText : "Something went wrong. Try again in a few seconds.";
    say(text, event.detail.requestConfig, xhr.status >= 500 || xhr.status === 429);
  });
  document.addEventListener("htmx:sendError", function (event) {
    say("Callout cannot be reached. Check the connection and try again.", event.detail.requestConfig, true);
  });
  document.addEventListener("htmx:timeout", function (event) {
    say("That took too long. Try again.", event.detail.requestConfig, true);
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful && failed) box().hidden = true;
    if (event.detail.successful) failed = null;
  });
  document.addEventListener("click", function (event) {
    var close = event.target.closest("[data-notice-close], [data-notice-again]");
    if (!close) return;
    close.closest(".notice").hidden = true;
    document.getElementById("main").focus({ preventScroll: true });
    if (!close.hasAttribute("data-notice-again")) return;
    if (!failed || !document.contains(failed.elt)) return window.location.reload();
    window.htmx.ajax(failed.verb, failed.path, { source: failed.elt, event: event });
  });
  // Screen readers read out what changes, not what is there when a page arrives.
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll(".notice:not([hidden]) > span").forEach(function (line) {
      window.setTimeout(() => (line.textContent = line.textContent), 150);
    });
  });
})();
