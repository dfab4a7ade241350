// A control with data-asks-first="#id" asks before its request replaces a text that somebody edited. Without this it
// replaces at once; without any script it has a button of its own.
(function () {
  "use strict";
  var go_on = null;

  function question_of(control) {
    return control.form.querySelector("[data-asks-first-question]");
  }

  function is_edited(text) {
    return text.value !== text.defaultValue || text.hasAttribute("data-asks-first-edited");
  }

  document.addEventListener("htmx:confirm", function (event) {
    var control = event.target.closest("[data-asks-first]");
    var text = control && document.querySelector(control.dataset.asksFirst);
    if (!text || !is_edited(text)) return;
    event.preventDefault();
    go_on = event.detail.issueRequest;
    question_of(control).hidden = false;
  });

  document.addEventListener("click", function (event) {
    var answer = event.target.closest("[data-asks-first-yes], [data-asks-first-no]");
    if (!answer) return;
    var form = answer.form;
    question_of(answer).hidden = true;
    var control = form.querySelector("[data-asks-first]");
    control.focus();
    if (answer.matches("[data-asks-first-yes]") && go_on) go_on(true);
    go_on = null;
  });
})();
