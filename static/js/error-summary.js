// Takes the reader to the summary of errors, and from there into the field, also where a script has put another control over it.
(() => {
  "use strict";

  function focusSummary(root) {
    const summary = root.querySelector("[data-error-summary]");
    if (summary) summary.focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-error-summary] a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    (document.getElementById(`div_${field.id}`) ?? field).scrollIntoView({ block: "start" });
    if (field.tomselect) field.tomselect.focus();
    else field.focus({ preventScroll: true });
  });

  document.addEventListener("DOMContentLoaded", () => focusSummary(document));
  document.addEventListener("htmx:load", (event) => focusSummary(event.target));
})();
