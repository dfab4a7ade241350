// A field with data-rows-search="#id" shows only the children of that list that have its letters.
for (const place of document.querySelectorAll("[data-rows-search]")) {
  const list = document.querySelector(place.dataset.rowsSearch);
  const field = place.querySelector("input");
  const none = place.querySelector("[data-rows-none]");
  if (!list) continue;
  place.hidden = false;
  field.addEventListener("input", () => {
    const letters = field.value.trim().toLowerCase();
    let found = 0;
    for (const row of list.children) {
      row.hidden = !row.textContent.toLowerCase().includes(letters);
      if (!row.hidden) found += 1;
    }
    list.hidden = found === 0;
    none.hidden = found > 0;
  });
}
