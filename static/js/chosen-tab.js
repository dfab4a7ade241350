// Radios within data-chosen-tab="name" remember which one was chosen last, on every page that has them.
(function () {
  "use strict";

  function kept(name) {
    try {
      return localStorage.getItem("tab-" + name);
    } catch {
      return null; // storage is switched off
    }
  }

  document.querySelectorAll("[data-chosen-tab]").forEach(function (tabs) {
    var name = tabs.dataset.chosenTab;
    var last = kept(name);
    tabs.querySelectorAll("input[type=radio]").forEach(function (radio) {
      if (radio.value === last) radio.checked = true;
    });
    tabs.addEventListener("change", function (event) {
      if (event.target.type !== "radio") return;
      try {
        localStorage.setItem("tab-" + name, event.target.value);
      } catch {
        // The choice lasts as long as the page then.
      }
    });
  });
})();
