// Asks before a page with unsaved text is left: forms with data-guard.
// data-guard="unsaved" says that the form came back with text that is not saved. An event "casesite:saved" on the form
// says that it is now.
(() => {
  "use strict";
  const unsaved = new Set();

  function touched(event) {
    const form = event.target.form ?? event.target.closest?.("form"); // a field may stand outside its form
    if (form?.matches("[data-guard]")) unsaved.add(form);
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("form[data-guard='unsaved']")) unsaved.add(form);
  });
  document.addEventListener("input", touched);
  document.addEventListener("change", touched);
  document.addEventListener("submit", (event) => unsaved.delete(event.target));
  document.addEventListener("casesite:saved", (event) => unsaved.delete(event.target));

  window.addEventListener("beforeunload", (event) => {
    for (const form of unsaved) if (!form.isConnected) unsaved.delete(form);
    if (unsaved.size) event.preventDefault();
  });
})();
