// Requests that are under way when a page is left don't matter any more. htmx would call each an error on the console.
(() => {
  "use strict";
  const underWay = new Set();
  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    underWay.add(detail.xhr);
    detail.xhr.addEventListener("loadend", () => underWay.delete(detail.xhr));
  });
  window.addEventListener("pagehide", () => {
    for (const xhr of underWay) xhr.onabort = xhr.onerror = xhr.onload = xhr.ontimeout = null;
  });
})();
