// On a narrow screen filters stay unfolded while they are chosen; sending form[data-folds] folds them, and what unfolds
// them again has the focus.
document.addEventListener("submit", ({ target }) => {
  const toggle = target.dataset.folds && document.querySelector(target.dataset.folds);
  if (!toggle) return;
  toggle.checked = false;
  // Where there is room nothing folds, and what is not shown takes no focus.
  toggle.focus();
});
