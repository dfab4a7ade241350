// From and to: every input[data-utc] shows the reader's own time, and the form sends UTC. Without this they are UTC and
// say so.
(function () {
  "use strict";
  var MINUTE_MS = 60000;
  var was_open = false;

  function local(utc) {
    var at = new Date(utc + "Z");
    if (isNaN(at)) return utc;
    return new Date(at - at.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, utc.length);
  }

  function show(root) {
    root.querySelectorAll("input[data-utc]").forEach(function (field) {
      field.value = field.defaultValue = local(field.dataset.utc);
    });
    root.querySelectorAll("[data-utc-note]").forEach((note) => (note.hidden = true));
    if (was_open) root.querySelectorAll("details[data-span]").forEach((fold) => (fold.open = true));
  }

  document.addEventListener("DOMContentLoaded", () => show(document));
  document.addEventListener("htmx:load", (event) => show(event.target.parentNode || document));
  // Also what htmx sends is gathered by this. What nobody touched goes as it came, with its seconds.
  document.addEventListener("formdata", function ({ target, formData }) {
    target.querySelectorAll("input[data-utc]").forEach(function (field) {
      var at = new Date(field.value);
      if (!field.value || isNaN(at)) return;
      var is_touched = field.value !== field.defaultValue;
      formData.set(field.name, is_touched ? at.toISOString().replace(".000", "") : field.dataset.utc + "Z");
    });
  });

  // A field that holds a request back says why, also from within a fold.
  document.addEventListener("invalid", ({ target }) => target.closest("details")?.setAttribute("open", ""), true);
  document.addEventListener("htmx:validation:halted", ({ target }) => target.reportValidity?.());
  // The fold is as open after an answer as before.
  document.addEventListener("htmx:beforeSwap", function () {
    was_open = document.querySelector("details[data-span]")?.open || false;
  });
})();
