// What asks again and again (data-while-seen) asks nothing while nobody sees the page.
document.addEventListener("htmx:confirm", (event) => {
  if (document.hidden && event.target.matches("[data-while-seen]")) event.preventDefault();
});
