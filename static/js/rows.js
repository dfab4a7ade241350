// Rows of inputs in a place with data-rows: one more (data-row-add), one less (data-row-remove). One that the page came
// with is hidden, and back when the form is reset. Without this there are empty rows to fill in.
(function () {
  const ROWS_MAX = 20;
  const rowsOf = (place) => [...place.querySelectorAll("[data-row]:not([hidden])")];
  const isEmpty = (row) => [...row.querySelectorAll("input")].every((input) => !input.value);

  const hide = (row, is) => {
    row.hidden = is;
    row.querySelectorAll("input").forEach((input) => (input.disabled = is));
  };

  const more = (place) => {
    const rows = place.querySelectorAll("[data-row]");
    const row = rows[rows.length - 1].cloneNode(true);
    row.setAttribute("data-row-added", "");
    for (const input of row.querySelectorAll("input")) {
      input.value = input.defaultValue = "";
      if (input.type === "password") input.placeholder = "Value";
    }
    hide(row, false);
    rows[rows.length - 1].after(row);
    return row;
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
      more(place).querySelector("input").focus();
      follow(place);
    }
    const removed = target.closest("[data-row-remove]")?.closest("[data-row]");
    if (removed) {
      if (rowsOf(place).length === 1) more(place);
      if (removed.hasAttribute("data-row-added")) removed.remove();
      else hide(removed, true);
      rowsOf(place)[0].querySelector("input").focus();
      follow(place);
      tell(place);
    }
  });
  document.addEventListener("reset", ({ target }) => {
    for (const place of target.querySelectorAll("[data-rows]")) {
      place.querySelectorAll("[data-row-added]").forEach((row) => row.remove());
      place.querySelectorAll("[data-row]").forEach((row) => hide(row, false));
      follow(place);
    }
  });
  document.addEventListener("htmx:afterSwap", begin);
  begin();
})();
