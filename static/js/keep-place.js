// A fragment that takes the place of another leaves the focus and unfolded details as they were. Where what had the focus
// is gone, what is next around it and can have it gets it, at last the page's content, so that nobody starts again from the
// top. So does a page that htmx loads anew.
(() => {
  "use strict";
  const KEPT = "casesite-place"; // over the loading of a page
  let held = null;

  const key = (element) =>
    element.id ||
    [element.tagName, element.name, element.getAttribute("href"), element.textContent.trim().slice(0, 80)].join("|");

  const alike = (root, element) =>
    [...root.querySelectorAll(element.tagName)].filter((each) => key(each) === key(element));

  const place = (root, element) => ({ key: key(element), tag: element.tagName, n: alike(root, element).indexOf(element) });

  const find = (root, { key: wanted, tag, n }) =>
    [...root.querySelectorAll(tag)].filter((each) => key(each) === wanted)[n];

  function hold(event) {
    const root = event.detail.shouldSwap && event.detail.target?.closest("[id]");
    if (!root) return; // an answer that puts nothing in place takes nothing away
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
      give(root && focus && find(root, focus), root, root?.parentElement?.closest("[tabindex]"));
    }
    held = null;
  }

  function give(...wanted) {
    for (const element of [...wanted, document.getElementById("main")]) {
      element?.focus({ preventScroll: true });
      if (document.activeElement !== document.body) return;
    }
  }

  function keep({ detail }) {
    const main = document.getElementById("main");
    const focused = document.activeElement;
    if (detail.xhr.getResponseHeader("HX-Refresh") === "true" && main.contains(focused))
      sessionStorage.setItem(KEPT, JSON.stringify(place(main, focused)));
  }

  function goOn() {
    const kept = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    if (kept && document.activeElement === document.body) give(find(document.getElementById("main"), JSON.parse(kept)));
  }

  document.addEventListener("htmx:beforeSwap", hold);
  document.addEventListener("htmx:oobBeforeSwap", hold);
  document.addEventListener("htmx:afterSettle", restore);
  document.addEventListener("htmx:beforeOnLoad", keep);
  document.addEventListener("DOMContentLoaded", goOn);
})();
