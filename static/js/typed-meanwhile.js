// What is typed into a part of a form while that part is on its way anew is put into it once it has come.
(function () {
  const texts = () => [...document.querySelectorAll("[data-filled] :is(input:not([type=checkbox], [type=radio], [type=hidden]), textarea)[id]")];
  let sent = new Map();
  let typed = [];

  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    if (detail.target.matches("[data-filled]")) sent = new Map(texts().map((field) => [field.id, field.value]));
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (!detail.target.matches("[data-filled]")) return;
    const meanwhile = texts().filter((field) => sent.has(field.id) && sent.get(field.id) !== field.value);
    typed = meanwhile.map((field) => [field.id, field.value]);
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const [id, value] of typed.splice(0)) {
      const field = document.getElementById(id);
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
})();
