// Turns select[data-search] into a choice that one finds by typing. Without it the plain select stays.
(() => {
  "use strict";

  let typed = null; // what somebody is typing into a choice while a new one takes its place

  function dress(select) {
    if (select.tomselect) return;
    const control = new TomSelect(select, {
      maxOptions: null,
      allowEmptyOption: select.hasAttribute("data-search-empty"),
      searchField: ["text", "value"],
      refreshThrottle: 0, // a list that follows later opens under whoever has chosen and gone on
      placeholder: select.dataset.search || undefined,
      render: { no_results: (_data, escape) => `<div class="no-results">${escape(select.dataset.none || "–")}</div>` },
    });
    // The text box takes over the label, so the select behind it has no name any more: it is not there for those who listen.
    select.setAttribute("aria-hidden", "true");
    const help = select.getAttribute("aria-describedby");
    if (help) control.control_input.setAttribute("aria-describedby", help);
    control.on("item_add", () => (control.chosen = true));
    if (typed?.id === select.id) goOn(control);
  }

  function goOn(control) {
    const { text, open } = typed;
    typed = null;
    const { openOnFocus } = control.settings;
    control.settings.openOnFocus = open;
    control.focus();
    setTimeout(() => (control.settings.openOnFocus = openOnFocus)); // it counts as focused a moment later
    if (!open) return;
    control.setTextboxValue(text);
    control.refreshOptions();
  }

  function remember(event) {
    const select = event.detail.target.querySelector("select[data-search]");
    const control = select?.tomselect;
    // Who has just chosen is done with the list, even where it is not shut yet.
    if (control?.isFocused) typed = { id: select.id, text: control.inputValue(), open: control.isOpen && !control.chosen };
  }

  function dressAll(root) {
    if (root.matches?.("select[data-search]")) dress(root);
    for (const select of root.querySelectorAll("select[data-search]")) dress(select);
  }

  document.addEventListener("DOMContentLoaded", () => dressAll(document));
  document.addEventListener("htmx:oobBeforeSwap", remember);
  document.addEventListener("htmx:load", (event) => dressAll(event.target));
})();
