// After the case page has looked at itself again: main carries where the case stands now.
(() => {
  "use strict";
  document.addEventListener("htmx:afterSettle", () => {
    const data = document.getElementById("case-data");
    if (!data) return;
    Object.assign(document.getElementById("main").dataset, data.dataset);
    data.remove();
  });
})();
