// Menus are <details data-menu>: a click elsewhere, Escape, or tabbing out closes them. Escape also takes back the
// question that a <details class="confirm"> asks, as its [data-confirm-keep] does, and folds up the menu of a narrow
// screen.
(function () {
  "use strict";

  function close_all_but(kept) {
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (menu !== kept) menu.open = false;
    });
  }

  function follow(toggle) {
    toggle.setAttribute("aria-expanded", String(toggle.checked));
  }

  function fold_up() {
    var toggle = document.querySelector("[data-menu-toggle]:checked");
    if (!toggle) return;
    toggle.checked = false;
    follow(toggle);
    toggle.focus();
  }

  function take_back(question) {
    question.open = false;
    question.querySelector("summary").focus();
  }

  document.addEventListener("click", function (event) {
    var keep = event.target.closest("[data-confirm-keep]");
    if (keep) {
      event.preventDefault();
      take_back(keep.closest("details"));
    }
    close_all_but(event.target.closest("details[data-menu]"));
  });
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-menu-toggle]")) follow(event.target);
  });
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-menu-toggle]").forEach(follow);
  });
  document.addEventListener("focusout", function (event) {
    var menu = event.target.closest("details[data-menu][open]");
    var next = event.relatedTarget;
    if (menu && next && !menu.contains(next)) menu.open = false;
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    var here = event.target.closest("details[data-menu][open], details.confirm[open]");
    var open = here || document.querySelector("details[data-menu][open], details.confirm[open]");
    if (!open) return fold_up();
    take_back(open);
  });
})();
