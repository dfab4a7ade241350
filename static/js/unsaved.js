// A form with data-unsaved asks before it is left unsaved, but by its data-unsaved-leave, and shows its bar, if it has
// one, once something in it is changed. With data-unsaved="now" it was refused: what is typed is unsaved from the start.
// data-unsaved-not marks a field that is no setting.
const changed = (field) => {
  if (!field.name || field.type === "hidden" || field.closest("[data-unsaved-not]")) return false;
  if (field.closest("[data-row][hidden]")) return field.defaultValue !== "";
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
};

for (const form of document.querySelectorAll("form[data-unsaved]")) {
  const bar = form.querySelector("[data-unsaved-bar]");
  const text = form.querySelector("[data-unsaved-text]");
  const back = form.querySelector("[data-unsaved-back]");
  const refused = () => form.dataset.unsaved === "now";
  let leaving = false;
  const unsaved = () => refused() || [...form.elements].some(changed);
  const follow = () => {
    if (!bar) return;
    const is = unsaved();
    bar.hidden = !is;
    text.textContent = is ? "Unsaved changes" : "";
    back.hidden = refused();
  };
  form.addEventListener("input", follow);
  form.addEventListener("change", follow);
  // What a preset filled in is not saved either.
  form.addEventListener("htmx:afterSwap", ({ target }) => {
    if (!target.matches("[data-filled]")) return;
    form.dataset.unsaved = "now";
    follow();
  });
  // A reset takes place after its event. The rest of the page follows what the boxes say by then.
  form.addEventListener("reset", () => setTimeout(() => form.dispatchEvent(new Event("change", { bubbles: true }))));
  form.addEventListener("submit", () => (leaving = true));
  form.querySelector("[data-unsaved-leave]")?.addEventListener("click", () => (leaving = true));
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && unsaved()) event.preventDefault();
  });
  follow();
}
