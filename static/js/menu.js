// Menus are <details data-menu>: a click elsewhere, Escape, or tabbing out closes them. Escape also takes back the
// question that a <details class="confirm"> asks.
(function () {
  "use strict";

  function close_all_but(kept) {
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (menu !== kept) menu.open = false;
    });
  }

  document.addEventListener("click", function (event) {
    close_all_but(event.target.closest("details[data-menu]"));
  });
  document.addEventListener("focusout", function (event) {
    var menu = event.target.closest("details[data-menu][open]");
    var next = event.relatedTarget;
    if (menu && next && !menu.contains(next)) menu.open = false;
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    var here = event.target.closest("details[data-menu][open], details.confirm[open]");
    var open = here || document.querySelector("details[data-menu][open], details.confirm[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
})();
