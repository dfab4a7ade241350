// The search box over the event types: shows the types that have these letters, and the groups that have such types.
const has = (box, letters) => box.textContent.toLowerCase().includes(letters);

const search = (list, letters) => {
  let found = 0;
  for (const group of list.querySelectorAll("[data-types-group]")) {
    let here = 0;
    for (const box of group.querySelectorAll("[data-types-box]")) {
      box.hidden = !has(box, letters);
      if (!box.hidden) here += 1;
    }
    group.hidden = here === 0;
    const details = group.querySelector("details");
    if (letters) {
      details.dataset.was ??= String(details.open);
      details.open = here > 0;
    } else if (details.dataset.was) {
      details.open = details.dataset.was === "true";
      delete details.dataset.was;
    }
    found += here;
  }
  list.querySelector("[data-types-none]").hidden = found > 0;
};

const beginSearch = () => {
  for (const list of document.querySelectorAll("[data-types-search][hidden]")) shown(list.closest("[data-types-list]"));
};

const shown = (list) => {
  const field = list.querySelector("[data-types-search]");
  field.hidden = false;
  const input = field.querySelector("input");
  input.addEventListener("input", () => search(list, input.value.trim().toLowerCase()));
  // Enter here would send the whole form.
  input.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
};

document.addEventListener("htmx:afterSwap", beginSearch);
beginSearch();
