// Counts a text's code points, as AWS does, towards its limit. The page names the field, the limit and the words.
(() => {
  "use strict";
  const number = new Intl.NumberFormat(document.documentElement.lang);

  function count(counter) {
    const field = document.getElementById(counter.dataset.counts);
    if (!field) return;
    const n = [...field.value].length;
    const limit = Number(counter.dataset.limit);
    const words = n > limit ? counter.dataset.over : counter.dataset.of;
    const said = { n: number.format(n), limit: number.format(limit), over: number.format(n - limit) };
    counter.textContent = words.replace(/\{(\w+)\}/g, (_all, name) => said[name]);
    counter.classList.toggle("over", n > limit);
  }

  document.addEventListener("input", (event) => {
    const counter = document.querySelector(`[data-counts="${CSS.escape(event.target.id)}"]`);
    if (counter) count(counter);
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-counts]").forEach(count));
})();
