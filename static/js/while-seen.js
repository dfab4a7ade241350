// What asks again and again (data-while-seen) asks nothing while nobody sees the page.
document.addEventListener("htmx:confirm", (event) => {
  if (document.hidden && event.target.matches("[data-while-seen]")) event.preventDefault();
});

// What comes in its place may not have what had the focus: then the focus goes to where things go on (data-focus-next),
// not back to the top of the page.
let had_focus = false;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  had_focus = detail.shouldSwap && detail.target.contains(document.activeElement);
});
document.addEventListener("htmx:afterSettle", () => {
  if (!had_focus) return;
  had_focus = false;
  if (document.activeElement !== document.body) return;
  const next = document.querySelector("[data-focus-next]") ?? document.getElementById("main");
  next.focus({ preventScroll: true });
});
