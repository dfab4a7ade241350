// What belongs to a box is shown only while the box is ticked. Without this it is always shown.
for (const part of document.querySelectorAll("[data-shown-when]")) {
  const box = document.querySelector(part.dataset.shownWhen);
  if (!box) continue;
  const follow = () => (part.hidden = !box.checked);
  box.addEventListener("change", follow);
  follow();
}
