// Rows of inputs in a place with data-rows: one more (data-row-add), one less (data-row-remove). A secret in a row is
// shown while it is typed. Without this there are empty rows to fill in.
(function () {
  const ROWS_MAX = 20;
  const rowsOf = (place) => [...place.querySelectorAll("[data-row]")];
  const isEmpty = (row) => [...row.querySelectorAll("input")].every((input) => !input.value);

  const clear = (row) => {
    for (const input of row.querySelectorAll("input")) {
      input.value = "";
      if (input.type === "password") input.placeholder = "Value";
    }
  };

  const follow = (place) => (place.querySelector("[data-row-add]").hidden = rowsOf(place).length >= ROWS_MAX);

  const begin = () => {
    for (const place of document.querySelectorAll("[data-rows]:not([data-rows-begun])")) {
      place.setAttribute("data-rows-begun", "");
      place.querySelectorAll("[data-row-remove]").forEach((button) => (button.hidden = false));
      // One empty row is enough where more can be had.
      rowsOf(place).filter(isEmpty).slice(1).forEach((row) => row.remove());
      follow(place);
    }
  };

  const tell = (place) => place.dispatchEvent(new Event("change", { bubbles: true }));

  document.addEventListener("click", ({ target }) => {
    const place = target.closest("[data-rows]");
    if (target.closest("[data-row-add]")) {
      const row = rowsOf(place).at(-1).cloneNode(true);
      clear(row);
      rowsOf(place).at(-1).after(row);
      row.querySelector("input").focus();
      follow(place);
    }
    const removed = target.closest("[data-row-remove]")?.closest("[data-row]");
    if (removed) {
      if (rowsOf(place).length === 1) clear(removed);
      else removed.remove();
      place.querySelector("[data-row] input").focus();
      follow(place);
      tell(place);
    }
  });
  document.addEventListener("htmx:afterSwap", begin);
  begin();
})();
