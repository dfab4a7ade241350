// Shows that something is under way (the style sheet waits a moment first), and keeps a form from being sent twice.
(function () {
  "use strict";
  var root = document.documentElement;
  var under_way = new Set();
  // A page that never comes leaves its form; after this long it may be sent again.
  var WAIT_MS_MAX = 15000;

  function follow() {
    root.toggleAttribute("data-busy", under_way.size > 0);
  }

  function lock(form, is_sent) {
    form.toggleAttribute("data-sent", is_sent);
    [...form.elements].forEach(function (element) {
      // Not disabled: that would take the focus away, and its name and value out of the form.
      if (element.type === "submit") element.setAttribute("aria-disabled", String(is_sent));
    });
  }

  function release() {
    document.querySelectorAll("form[data-sent]").forEach((form) => lock(form, false));
    under_way.clear();
    follow();
  }

  // Before anybody else hears of it.
  function refuse_second(event) {
    if (!event.target.hasAttribute("data-sent")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  document.addEventListener("submit", refuse_second, true);
  document.addEventListener("submit", function (event) {
    if (event.defaultPrevented || event.target.method === "dialog") return;
    if (event.target.method === "post") lock(event.target, true);
    under_way.add(event.target);
    follow();
    window.setTimeout(release, WAIT_MS_MAX);
  });
  document.addEventListener("htmx:beforeSend", function (event) {
    var asked = event.detail.requestConfig;
    if (!asked.triggeringEvent) return; // a list that asks for news by itself: nobody waits
    if (asked.verb !== "get" && asked.elt.matches("form")) lock(asked.elt, true);
    under_way.add(event.detail.xhr);
    follow();
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.elt.matches("form")) lock(event.detail.elt, false);
    under_way.delete(event.detail.xhr);
    follow();
  });
  // Back brings a page as it was left.
  window.addEventListener("pageshow", release);
})();
