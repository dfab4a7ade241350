// While a form with data-busy is on its way, its button says so and is not pressed twice.
(function () {
  "use strict";

  document.addEventListener("submit", function (event) {
    var form = event.target;
    var text = form.getAttribute("data-busy");
    if (text === null || event.defaultPrevented) return;
    var button = form.querySelector("button[type=submit]");
    if (form.hasAttribute("data-busy-now")) {
      event.preventDefault();
      return;
    }
    form.setAttribute("data-busy-now", "");
    if (!button) return;
    button.dataset.idleText = button.textContent;
    button.setAttribute("aria-disabled", "true");
    button.classList.add("disabled");
    button.textContent = text;
    var said = document.querySelector("[data-said]");
    if (said) said.textContent = text;
  });

  // Back from the next page: the browser may show this one as it was left.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-busy-now]").forEach(function (form) {
      form.removeAttribute("data-busy-now");
      var button = form.querySelector("button[type=submit]");
      if (!button) return;
      button.removeAttribute("aria-disabled");
      button.classList.remove("disabled");
      button.textContent = button.dataset.idleText;
    });
  });
})();
