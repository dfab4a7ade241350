// Follows a list that says so (data-live holds the address): rows change in place, and how many new ones there are stands
// on a button that gets them. Nothing else moves. While nobody sees the page, nothing is asked.
(function () {
  "use strict";
  let source, address, is_pressed = false;
  const part = (name) => document.querySelector(`[data-live-${name}]`);

  function tell(count) {
    const button = part("new");
    if (!button) return;
    button.hidden = !Number.parseInt(count, 10);
    button.querySelector("span").textContent = `${count} new`;
    part("said").textContent = button.hidden ? "" : `${count} new ${count === "1" ? "delivery" : "deliveries"}`;
  }

  function put(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.querySelector("tr");
    const row = document.getElementById(fresh?.id);
    if (!row) return;
    const is_open = row.querySelector(".row-link").hasAttribute("aria-current");
    fresh.querySelector(".row-link").toggleAttribute("aria-current", is_open);
    if (is_open) fresh.querySelector(".row-link").setAttribute("aria-current", "true");
    fresh.classList.add("is-changed");
    // Keeps the focus, and what is chosen (hx-preserve).
    window.htmx.swap(row, fresh.outerHTML, { swapStyle: "outerHTML" });
  }

  function follow() {
    const wanted = document.hidden ? undefined : part("list")?.dataset.liveList;
    if (wanted === address) return;
    source?.close();
    address = wanted;
    document.documentElement.toggleAttribute("data-live-follows", false);
    if (!wanted) return;
    source = new EventSource(wanted);
    source.onopen = () => document.documentElement.toggleAttribute("data-live-follows", true);
    source.addEventListener("new", (event) => tell(event.data));
    source.addEventListener("row", (event) => put(event.data));
    // It tries again by itself unless it was refused.
    source.onerror = () => source.readyState === EventSource.CLOSED && (part("off").hidden = false);
  }

  document.addEventListener("visibilitychange", follow);
  document.addEventListener("click", ({ target }) => target.closest?.("[data-live-new]") && (is_pressed = true));
  document.addEventListener("htmx:afterSettle", function () {
    if (part("list")?.dataset.liveList !== address && !document.hidden) tell("0");
    follow();
    if (is_pressed && part("new")?.hidden) document.querySelector(".row-link")?.focus({ preventScroll: true });
    is_pressed = is_pressed && !part("new")?.hidden;
  });
  follow();
})();
