// What somebody chose or typed while an answer was under way goes over into what that answer puts in its place, and is
// asked about again: the request that the old control had waiting went with it.
(() => {
  "use strict";
  let sent = null; // the form and what it held when the request went whose answer comes in
  let carried = new Map(); // names of controls by the form they are in

  const values = (data, name) => data.getAll(name).map(String);
  const same = (some, others) => some.length === others.length && some.every((value, n) => value === others[n]);

  function begin(event) {
    const { requestConfig } = event.detail;
    const form = requestConfig?.verb === "get" ? null : requestConfig?.elt.closest("form");
    sent = form ? { form, data: requestConfig.formData } : null;
  }

  function carry(event) {
    const { target, fragment } = event.detail;
    if (!sent?.form.contains(target)) return;
    const held = new FormData(sent.form);
    const typed = "[name]:not([type=hidden], [type=file], button)";
    for (const name of new Set([...target.querySelectorAll(typed)].map((control) => control.name))) {
      const now = values(held, name);
      const successors = [...fragment.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
      if (same(now, values(sent.data, name)) || !successors.length) continue;
      successors.forEach((control, n) => fill(control, now, n));
      carried.set(name, sent.form);
    }
  }

  function fill(control, now, n) {
    if (control.options) {
      const offered = [...control.options].filter((option) => now.includes(option.value));
      if (offered.length) for (const option of control.options) option.selected = offered.includes(option);
    } else if (["radio", "checkbox"].includes(control.type)) control.checked = now.includes(control.value);
    else control.value = now[n] ?? "";
  }

  function ask() {
    for (const [name, form] of carried) {
      const controls = [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
      const control = controls.find((each) => each.checked) ?? controls[0];
      control?.dispatchEvent(new Event(control.matches("input:not([type=radio], [type=checkbox]), textarea") ? "input" : "change", { bubbles: true }));
    }
    carried = new Map();
  }

  document.addEventListener("htmx:beforeSwap", begin);
  document.addEventListener("htmx:oobBeforeSwap", carry);
  document.addEventListener("htmx:afterSettle", ask);
})();
