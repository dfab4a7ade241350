// Ctrl-K or Cmd-K, or what has data-jump-open, opens the search; arrows go through what it found, Enter opens it.
(function () {
  "use strict";

  const the_dialog = () => document.querySelector("dialog[data-jump]");
  const the_field = (dialog) => dialog.querySelector("input[type=search]");
  const the_links = (dialog) => [...dialog.querySelectorAll("[data-jump-found] a[href]")];
  const listed = (dialog) => the_links(dialog).filter((link) => !link.closest(".jump-more")).length;

  function open(dialog) {
    if (dialog.open) return;
    dialog.showModal();
    the_field(dialog).select();
    window.htmx.trigger(the_field(dialog), "jump");
  }

  // From the field down into the list, round and back.
  function move(dialog, step) {
    const stops = [the_field(dialog), ...the_links(dialog)];
    const at = stops.indexOf(document.activeElement) + step;
    stops[(at + stops.length) % stops.length].focus();
  }

  function take_key(dialog, event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    // Enter in the field opens the first line, once the lines belong to what is typed. Until then the form asks.
    const [first] = dialog.dataset.found === the_field(dialog).value ? the_links(dialog) : [];
    if (event.key in steps) move(dialog, steps[event.key]);
    else if (event.key === "Enter" && event.target === the_field(dialog) && first) first.click();
    // In a field of search the browser would only empty it.
    else if (event.key === "Escape") dialog.close();
    // Whoever goes on typing means the field.
    else return /^(\S|Backspace)$/u.test(event.key) && !event.ctrlKey && !event.metaKey && the_field(dialog).focus();
    event.preventDefault();
  }

  document.addEventListener("keydown", function (event) {
    const dialog = the_dialog();
    const is_chord = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (dialog && is_chord && event.key?.toLowerCase() === "k") {
      event.preventDefault();
      dialog.open ? dialog.close() : open(dialog);
    } else if (dialog?.open && !event.isComposing) take_key(dialog, event);
  });
  document.addEventListener("click", function (event) {
    if (event.target === the_dialog() || event.target.closest("[data-jump-close]")) the_dialog().close();
    if (!event.target.closest("[data-jump-open]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open(the_dialog());
  });
  document.addEventListener("htmx:afterSwap", function ({ target, detail }) {
    const dialog = target.closest("dialog[data-jump]");
    if (!dialog) return;
    dialog.dataset.found = detail.requestConfig.parameters.q;
    dialog.querySelector("[data-jump-told]").textContent = `${listed(dialog)} found`;
  });
  const keys = /Mac|iPhone|iPad/.test(navigator.platform) ? document.querySelectorAll("[data-jump-key]") : [];
  keys.forEach((key) => (key.textContent = "⌘ K"));
})();
