// Buttons with data-copy put that text on the clipboard and say so for two seconds.
(() => {
  "use strict";

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      copyThroughSelection(text); // plain http on another host has no clipboard
    }
  }

  function copyThroughSelection(text) {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || button.classList.contains("copied")) return;
    await copy(button.dataset.copy);
    const label = button.getAttribute("aria-label");
    button.classList.add("copied");
    button.setAttribute("aria-label", button.dataset.said);
    button.focus();
    setTimeout(() => {
      button.classList.remove("copied");
      button.setAttribute("aria-label", label);
    }, 2000);
  });
})();
