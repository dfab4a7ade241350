// Light, dark, or as the system has it. Loaded before anything is drawn, so that nothing flashes.
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system"; // storage is switched off
    }
  }

  function show() {
    var choice = chosen();
    var is_dark = choice === "dark" || (choice === "system" && dark.matches);
    root.setAttribute("data-bs-theme", is_dark ? "dark" : "light");
    document.querySelectorAll("[data-theme-choice]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    });
  }

  show();
  dark.addEventListener("change", show);
  window.addEventListener("storage", show);
  function reveal() {
    document.querySelectorAll("[data-theme-switch][hidden]").forEach(function (group) {
      group.hidden = false;
    });
    show();
  }

  document.addEventListener("DOMContentLoaded", reveal);
  // After Back, htmx has put a page in place of the one whose switch was shown.
  document.addEventListener("htmx:historyRestore", reveal);
  document.addEventListener("htmx:load", reveal);
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem("theme", button.dataset.themeChoice);
    } catch {
      // The choice lasts as long as the page then.
    }
    show();
  });
})();
