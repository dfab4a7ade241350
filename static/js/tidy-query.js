// A filter form leaves empty fields out of the address.
document.addEventListener("submit", ({ target }) => {
  if (!target.matches("form[data-tidy-query]")) return;
  for (const field of target.elements) {
    if (field.name && !field.value) field.disabled = true;
  }
  setTimeout(() => [...target.elements].forEach((field) => (field.disabled = false)));
});

document.addEventListener("htmx:configRequest", ({ target, detail }) => {
  if (!target.matches("form[data-tidy-query]")) return;
  for (const name of [...detail.formData.keys()]) {
    const filled = detail.formData.getAll(name).filter((value) => value);
    detail.formData.delete(name);
    filled.forEach((value) => detail.formData.append(name, value));
  }
});
