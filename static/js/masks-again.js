// Takes what was revealed off the screen when its time is over: the page is loaded anew, masked.
(function () {
  "use strict";
  var banner = document.querySelector("[data-revealed-for]");
  if (!banner) return;
  var ends = Date.now() + Number(banner.dataset.revealedFor) * 1000;

  function look() {
    if (Date.now() >= ends) window.location.reload();
  }

  setTimeout(look, ends - Date.now() + 500);
  // A computer that slept lets no time-out come in time.
  document.addEventListener("visibilitychange", look);
})();
