// The event types' check boxes: a box for each whole group, and counts that follow.
const boxes = (place) => [...place.querySelectorAll("input[name=events]")];

const count = (group) => {
  const all = boxes(group);
  const chosen = all.filter((box) => box.checked).length;
  const whole = group.querySelector("[data-types-all]");
  whole.checked = chosen === all.length;
  whole.indeterminate = chosen > 0 && chosen < all.length;
  group.querySelector("[data-types-count]").textContent = `${chosen} of ${all.length}`;
};

const total = (picker) => {
  const chosen = boxes(picker).filter((box) => box.checked).length;
  const all = picker.querySelector("[data-types-which][value=all]").checked;
  picker.classList.toggle("takes-all", all);
  const some = chosen ? `${chosen} event ${chosen === 1 ? "type" : "types"}` : "None chosen yet";
  const words = all ? "All events" : some;
  picker.querySelector("[data-types-total]").textContent = words;
};

const beginChoice = () => {
  for (const picker of document.querySelectorAll("[data-types]:not([data-types-begun])")) followed(picker);
};

const followed = (picker) => {
  picker.setAttribute("data-types-begun", "");
  const follow = () => {
    picker.querySelectorAll("[data-types-group]").forEach(count);
    total(picker);
  };
  picker.querySelectorAll("[data-types-all]").forEach((box) => (box.hidden = false));
  follow();
  // A reset takes place after its event.
  picker.closest("form").addEventListener("reset", () => setTimeout(follow));
  picker.addEventListener("change", ({ target }) => {
    const group = target.closest("[data-types-group]");
    if (target.matches("[data-types-all]")) {
      for (const box of boxes(group)) {
        if (!box.closest("[data-types-box]").hidden) box.checked = target.checked;
      }
    }
    if (group) {
      count(group);
      // Whoever ticks a type means to choose.
      picker.querySelector("[data-types-which][value=chosen]").checked = true;
    }
    total(picker);
  });
};

// A preset brings other boxes.
document.addEventListener("htmx:afterSwap", beginChoice);
beginChoice();
