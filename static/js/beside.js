// Where there is room, a row opens beside its list (#panel) by a click or by Enter, which goes into it. j and k open the
// next row a moment after they stopped, o goes to the page of what is open, Esc closes it and goes back to its row.
(function () {
  "use strict";
  const ROOM = window.matchMedia("(min-width: 75rem)");
  const FOLLOWS_MS = 150;
  let asked, follows, goes_in = false, stood_at;
  const panel = () => document.getElementById("panel");
  const is_open = () => Boolean(panel()?.childElementCount);
  const link_of = (id) => document.querySelector(`.row-link[data-id="${id}"]`);

  function mark() {
    const id = document.getElementById("delivery")?.dataset.delivery;
    document.querySelectorAll(".row-link[aria-current]").forEach((link) => link.removeAttribute("aria-current"));
    if (id) link_of(id)?.setAttribute("aria-current", "true");
  }

  function open(link) {
    asked = link.dataset.id;
    // One step back closes it, however many were looked at.
    link.setAttribute(is_open() ? "hx-replace-url" : "hx-push-url", "true");
    link.removeAttribute(is_open() ? "hx-push-url" : "hx-replace-url");
    window.htmx.trigger(link, "beside");
  }

  document.addEventListener("click", function (event) {
    const link = event.target.closest(".row-link[data-id]");
    if (!link || !ROOM.matches || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    clearTimeout(follows);
    goes_in = event.detail === 0;
    open(link);
  });
  document.addEventListener("list:moved", function (event) {
    clearTimeout(follows);
    if (is_open() && ROOM.matches) follows = setTimeout(() => open(event.target), FOLLOWS_MS);
  });
  document.addEventListener("keydown", function (event) {
    if (!is_open() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog") || document.querySelector("dialog[open], [data-menu][open]")) return;
    const wanted = { Escape: "panel-close", o: "panel-page" }[event.key];
    if (wanted) document.getElementById(wanted)?.click();
  }, true);
  // The row stays where it is while the list beside it is laid out anew.
  const top_of_row = () => asked && link_of(asked)?.closest("tr").getBoundingClientRect().top;
  document.addEventListener("htmx:beforeSwap", ({ target }) => target === panel() && (stood_at = top_of_row()));
  document.addEventListener("htmx:afterSwap", function ({ target }) {
    if (target.id === "listed" || target === panel()) mark();
    if (target !== panel()) return;
    if (stood_at !== undefined && top_of_row() !== undefined) window.scrollBy({ top: top_of_row() - stood_at, behavior: "instant" });
    panel().scrollTop = 0;
    if (!is_open()) link_of(asked)?.focus({ preventScroll: true });
    else if (goes_in) document.getElementById("panel-title")?.focus({ preventScroll: true });
    goes_in = false;
  });
  asked = document.getElementById("delivery")?.dataset.delivery;
})();
