// A fragment that takes the place of another leaves the focus and unfolded details as they were. Where what had the focus
// is gone, the page's content gets it, so that nobody starts again from the top.
(() => {
  "use strict";
  let held = null;

  const key = (element) =>
    [element.tagName, element.id, element.name, element.getAttribute("href"), element.textContent.trim().slice(0, 80)].join("|");

  const alike = (root, element) =>
    [...root.querySelectorAll(element.tagName)].filter((each) => key(each) === key(element));

  const place = (root, element) => ({ key: key(element), tag: element.tagName, n: alike(root, element).indexOf(element) });

  const find = (root, { key: wanted, tag, n }) =>
    [...root.querySelectorAll(tag)].filter((each) => key(each) === wanted)[n];

  function hold(event) {
    const root = event.detail.target;
    if (!root?.id) return;
    held ??= new Map();
    const unfolded = [...root.querySelectorAll("details[open] > summary")].map((each) => place(root, each));
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    held.set(root.id, { unfolded, focus: focused && focused !== root ? place(root, focused) : null, had: Boolean(focused) });
  }

  function restore() {
    for (const [id, { unfolded, focus, had }] of held ?? []) {
      const root = document.getElementById(id);
      for (const each of (root && unfolded) || []) find(root, each)?.parentElement.setAttribute("open", "");
      if (!had || document.activeElement !== document.body) continue;
      const again = root && focus ? find(root, focus) : root;
      (again ?? document.getElementById("main"))?.focus({ preventScroll: true });
      if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
    }
    held = null;
  }

  document.addEventListener("htmx:beforeSwap", hold);
  document.addEventListener("htmx:oobBeforeSwap", hold);
  document.addEventListener("htmx:afterSettle", restore);
})();
