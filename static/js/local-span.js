// From and to: every input[data-utc] shows the reader's own time, and the form sends UTC. Without this they are UTC and
// say so.
(function () {
  "use strict";
  var MINUTE_MS = 60000;

  function local(utc) {
    var at = new Date(utc + "Z");
    if (isNaN(at)) return utc;
    return new Date(at - at.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
  }

  function show(root) {
    root.querySelectorAll("input[data-utc]").forEach(function (field) {
      field.value = local(field.dataset.utc);
    });
    root.querySelectorAll("[data-utc-note]").forEach((note) => (note.hidden = true));
  }

  document.addEventListener("DOMContentLoaded", () => show(document));
  document.addEventListener("htmx:load", (event) => show(event.target.parentNode || document));
  // Also what htmx sends is gathered by this.
  document.addEventListener("formdata", function ({ target, formData }) {
    target.querySelectorAll("input[data-utc]").forEach(function (field) {
      var at = new Date(field.value);
      if (field.value && !isNaN(at)) formData.set(field.name, at.toISOString().slice(0, 19) + "Z");
    });
  });
})();
