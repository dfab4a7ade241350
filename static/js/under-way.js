// Shows that something is under way (the style sheet waits a moment first), and keeps a form from being sent twice. The
// buttons of a form with data-busy="Loading…" say so.
(function () {
  "use strict";
  var root = document.documentElement;
  var under_way = new Set();
  // A page that never comes leaves its form; after this long it may be sent again.
  var WAIT_MS_MAX = 35000;

  const follow = () => root.toggleAttribute("data-under-way", under_way.size > 0);

  function lock(form, is_sent) {
    if (form.hasAttribute("data-sent") === is_sent) return;
    form.toggleAttribute("data-sent", is_sent);
    [...form.elements].forEach(function (element) {
      if (element.type !== "submit") return;
      // Not disabled: that would take the focus away, and its name and value out of the form.
      element.setAttribute("aria-disabled", String(is_sent));
      if (!form.dataset.busy) return;
      if (is_sent) element.idle = [...element.childNodes];
      element.replaceChildren(...(is_sent ? [form.dataset.busy] : element.idle));
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
    under_way.add(event.target);
    if (event.target.method === "post") lock(event.target, true);
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
