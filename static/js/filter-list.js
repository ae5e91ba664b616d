// Narrows a list of templates as somebody types. Without it the whole list stands there.
(() => {
  "use strict";
  const box = document.querySelector("[data-filters]");
  const list = box && document.getElementById(box.dataset.filters);
  if (!list) return;
  const said = document.querySelector("[data-filter-said]");

  box.addEventListener("input", () => {
    const words = box.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const section of list.querySelectorAll("section")) {
      let here = 0;
      for (const row of section.querySelectorAll("li")) {
        const text = row.textContent.toLocaleLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        if (!row.hidden) here += 1;
      }
      section.hidden = !here;
      shown += here;
    }
    said.textContent = shown ? "" : said.dataset.none;
  });
})();
