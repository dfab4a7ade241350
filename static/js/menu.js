// Menus are <details data-menu>: a click elsewhere or Escape closes them.
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
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    var menu = document.querySelector("details[data-menu][open]");
    if (!menu) return;
    close_all_but(null);
    menu.querySelector("summary").focus();
  });
})();
