// Says what went wrong when htmx got an answer that is not put into the page, or none at all.
(function () {
  "use strict";

  function say(text) {
    var notice = document.querySelector("[data-notice]");
    if (!notice) return;
    notice.querySelector("[data-notice-text]").textContent = text;
    notice.hidden = false;
  }

  document.addEventListener("htmx:responseError", function (event) {
    var xhr = event.detail.xhr;
    var plain = (xhr.getResponseHeader("content-type") || "").indexOf("text/plain") === 0;
    say(plain && xhr.responseText ? xhr.responseText : "Something went wrong. Try again in a few seconds.");
  });
  document.addEventListener("htmx:sendError", function () {
    say("Callout cannot be reached. Check the connection and try again.");
  });
  document.addEventListener("htmx:timeout", function () {
    say("That took too long. Try again.");
  });
  document.addEventListener("click", function (event) {
    var close = event.target.closest("[data-notice-close]");
    if (close) close.closest("[data-notice], .notice").hidden = true;
  });
})();
