// j and k go to the next and the previous row of a list, Enter opens it as any link; on the page of a row, j and k go to
// the next and the previous one of that list, and Esc back to the list with its filters. ? tells the keys.
(function () {
  "use strict";
  const KEPT = "list";
  const the_links = () => [...document.querySelectorAll(".rows .row-link")];
  const the_hint = () => document.querySelector("[data-keys-hint]");
  const kept = () => {
    try { return JSON.parse(sessionStorage.getItem(KEPT)) || {}; } catch { return {}; }
  };

  // What the list shows now, for the pages that its rows lead to.
  function keep() {
    if (!document.querySelector("[data-list]")) return;
    const list = { at: location.pathname + location.search, links: the_links().map((link) => link.pathname) };
    try { sessionStorage.setItem(KEPT, JSON.stringify(list)); } catch { /* then Esc leads to the bare list */ }
  }

  function move(step) {
    const links = the_links();
    const focused = links.indexOf(document.activeElement);
    // From what is open beside the list it goes on at its row.
    const at = focused < 0 ? links.findIndex((link) => link.hasAttribute("aria-current")) : focused;
    const next = links[at < 0 ? 0 : at + step];
    next?.focus();
    next?.closest("tr").scrollIntoView({ block: "nearest" });
    next?.dispatchEvent(new Event("list:moved", { bubbles: true }));
  }

  function leave(place, key) {
    const { at, links } = kept();
    const list = at?.split("?")[0] === place.dataset.listOf ? at : place.dataset.listOf;
    const here = links?.indexOf(location.pathname) ?? -1;
    const next = here < 0 ? undefined : links[here + (key === "j" ? 1 : -1)];
    if (key === "Escape") location.assign(list);
    else if (next) location.assign(next);
  }

  document.addEventListener("keydown", function (event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (target.closest?.("input, select, textarea, dialog, [role=menu]") || document.querySelector("dialog[open], [data-menu][open]")) return;
    const place = document.querySelector("[data-list-of]");
    if (key === "?" && the_hint()) the_hint().open = !the_hint().open;
    else if (document.querySelector("[data-list]") && "jk".includes(key)) move(key === "j" ? 1 : -1);
    else if (place && ["j", "k", "Escape"].includes(key)) leave(place, key);
    else return;
    event.preventDefault();
    // Before a menu closes by the same key.
  }, true);
  ["htmx:afterSettle", "htmx:pushedIntoHistory"].forEach((name) => document.addEventListener(name, keep));
  keep();
})();
