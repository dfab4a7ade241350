// Shows every <time data-time> in the reader's own time zone; UTC stays as its title.
(function () {
  "use strict";
  var moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  var day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

  function show(root) {
    root.querySelectorAll("time[data-time]").forEach(function (element) {
      var at = new Date(element.dateTime);
      if (element.title || isNaN(at)) return;
      element.title = at.toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
      element.textContent = (element.dataset.time === "day" ? day : moment).format(at);
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    show(document);
  });
  document.addEventListener("htmx:load", function (event) {
    show(event.target.parentNode || document);
  });
})();
