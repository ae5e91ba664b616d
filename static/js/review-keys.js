// j and k: through the rows of the queue; on a review page to the next and the previous one. a: approves what is open; in
// the queue it ticks the row. Not while somebody types, and a key that is held down counts once. Who opens a box for a
// comment types into it.
(() => {
  "use strict";

  const READ = 1000; // milliseconds: an `a` before that was the second stroke meant for the page before, and nobody read this one
  const NOT_TEXT = ["checkbox", "radio", "submit", "button"];

  function typing(element) {
    if (element.closest(".comment-box")) return true; // on its way into the box, which opens a moment later
    const field = element.closest("input, textarea, select, [contenteditable]");
    return field && !(field.matches("input") && NOT_TEXT.includes(field.type));
  }

  const currentRow = () => document.activeElement.closest("tr")?.querySelector("[data-queue-row]");

  function step(by) {
    const rows = [...document.querySelectorAll("[data-queue-row]")];
    if (!rows.length) {
      document.querySelector(by > 0 ? "a[data-queue-next]" : "a[data-queue-previous]")?.click();
      return;
    }
    const at = rows.indexOf(currentRow());
    const to = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
    rows[to].focus();
    rows[to].scrollIntoView({ block: "nearest" });
  }

  function approve() {
    const box = currentRow()?.closest("tr").querySelector("[data-choose]");
    if (box) box.click();
    else if (performance.now() > READ) document.querySelector("[data-approve]")?.click();
  }

  const KEYS = { j: () => step(1), k: () => step(-1), a: approve };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (!act || (event.key === "a" && event.repeat)) return;
    act();
    event.preventDefault();
  });

  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (target.open && target.matches(".comment-box") && target.contains(document.activeElement))
        target.querySelector("textarea").focus();
    },
    true,
  );
})();
