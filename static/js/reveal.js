// A button with data-reveal="#id" shows what is typed into a secret's input, and hides it again.
const showReveals = (place) => place.querySelectorAll("[data-reveal]").forEach((button) => (button.hidden = false));

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-reveal]");
  const input = button && document.querySelector(button.dataset.reveal);
  if (!input) return;
  const shows = input.type === "password";
  input.type = shows ? "text" : "password";
  button.setAttribute("aria-pressed", String(shows));
});
document.addEventListener("htmx:afterSwap", () => showReveals(document));
showReveals(document);
