// While a form with data-export downloads, #export-progress asks at the address that it names how far that has come.
(function () {
  "use strict";
  var AGAIN_MS = 1000;
  // Unless it has begun by then it has ended before anybody looked, or runs where nobody tells.
  var LOOKS_MAX = 20;
  var timer = null;

  function look(form, looks_left) {
    htmx.ajax("GET", form.dataset.export, { target: "#export-progress", swap: "outerHTML" }).then(function () {
      var standing = document.getElementById("export-progress").dataset.standing;
      if (standing === "running" || (!standing && looks_left > 0)) again(form, looks_left - 1);
    });
  }

  function again(form, looks_left) {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => look(form, looks_left), AGAIN_MS);
  }

  document.addEventListener("submit", function ({ target }) {
    if (!target.matches("form[data-export]")) return;
    document.getElementById("export-progress").removeAttribute("data-standing");
    again(target, LOOKS_MAX);
    // The page stays, so nobody waits for the next one.
    window.setTimeout(() => window.dispatchEvent(new Event("pageshow")), AGAIN_MS);
  });
})();
