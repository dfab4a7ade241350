// Shows every <time data-time> in the reader's own time zone; its title says it in UTC. "ago" counts from now. A click
// or a tap shows the title in its place.
(function () {
  "use strict";
  // The pages are in English, whatever the browser speaks.
  var language = navigator.language.startsWith("en") ? navigator.language : "en-GB";
  var moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  var day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  var clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
  var date = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
  var FORMS = { day: day, clock: clock, date: date };
  var ago = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  var STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7]];
  var AGAIN_MS = 20000;

  // Further off than a week a date says more.
  function from_now(at) {
    var amount = (at - Date.now()) / 1000;
    for (var [unit, size] of STEPS) {
      if (Math.abs(amount) < size) return ago.format(Math.trunc(amount), unit);
      amount /= size;
    }
    return day.format(at);
  }

  function show_one(element) {
    var at = new Date(element.dateTime);
    if (isNaN(at) || element.dataset.exact) return;
    var kind = element.dataset.time;
    element.dataset.utc ??= element.title || element.textContent;
    element.title = kind === "" ? element.dataset.utc : moment.format(at) + " · " + element.dataset.utc;
    element.textContent = kind === "ago" ? from_now(at) : (FORMS[kind] || moment).format(at);
  }

  function show(root, which) {
    root.querySelectorAll(which).forEach(show_one);
  }

  document.addEventListener("DOMContentLoaded", () => show(document, "time[data-time]"));
  document.addEventListener("htmx:load", (event) => show(event.target.parentNode || document, "time[data-time]"));
  window.setInterval(() => show(document, "time[data-time=ago]"), AGAIN_MS);
  document.addEventListener("click", function (event) {
    var element = event.target.closest("time[data-time]");
    if (!element || element.closest("a, button, summary, label")) return;
    [element.textContent, element.title] = [element.title, element.textContent];
    if (element.dataset.exact) delete element.dataset.exact;
    else element.dataset.exact = "true";
  });
})();
