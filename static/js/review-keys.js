// j and k: through the rows of the queue; on a review page to the next and the previous one. Not while somebody types.
(() => {
  "use strict";

  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

  function step(by) {
    const rows = [...document.querySelectorAll("[data-queue-row]")];
    if (!rows.length) {
      document.querySelector(by > 0 ? "a[data-queue-next]" : "a[data-queue-previous]")?.click();
      return;
    }
    const at = rows.indexOf(document.activeElement);
    const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
    rows[to].focus();
    rows[to].scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else return;
    event.preventDefault();
  });
})();
