// Saves the draft by itself, two seconds after the last key or another change. The server answers with a new #saving: what
// the form goes on with, and in its template what is said about it. No field of the form is touched but the hidden ones.
(() => {
  "use strict";
  const PAUSE = 2000;
  const LONGEST = 10000; // somebody who writes without a pause is saved that often
  const AGAIN = [5000, 15000, 60000]; // after the site did not answer

  const form = document.getElementById("case-form");
  if (!form || !document.getElementById("saving")) return;
  const said = document.getElementById("saving-said");
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("casesite-drafts") : null;
  const OWN = new Set(["csrfmiddlewaretoken", "form_token", "page", "serial", "advice_shown", "files", "canned_text"]);

  let timer = 0;
  let waitingSince = 0;
  let failures = 0;
  let sent = null; // what the request under way carries
  let saved = content(); // what is saved, as far as this page knows
  let leaving = 0;
  let last = null; // the request whose answer was looked at

  const carrier = () => document.getElementById("saving");
  const stopped = () => carrier().dataset.state === "stopped";
  const dirty = () => content() !== saved;

  function content() {
    const pairs = [...new FormData(form)].filter(([name]) => !OWN.has(name) && !name.startsWith("find-"));
    return JSON.stringify(pairs);
  }

  function say(nodes) {
    const box = document.createElement("div");
    box.append(...nodes);
    if (box.innerHTML.trim() !== said.innerHTML.trim()) said.replaceChildren(...box.childNodes);
  }

  function changed(delay = PAUSE) {
    if (stopped() || !dirty()) return;
    const now = Date.now();
    waitingSince ||= now;
    clearTimeout(timer);
    timer = setTimeout(save, Math.max(0, Math.min(delay, waitingSince + LONGEST - now)));
  }

  function save() {
    clearTimeout(timer);
    if (leaving || sent !== null || stopped()) return;
    if (!dirty()) {
      waitingSince = 0;
      return;
    }
    count();
    sent = content();
    waitingSince = 0;
    htmx.trigger(carrier(), "casesite:save");
  }

  function count() {
    form.elements.serial.value = Number(form.elements.serial.value) + 1;
  }

  function answered() {
    const at = carrier();
    const done = sent;
    sent = null;
    failures = 0;
    if (leaving) return;
    form.elements.form_token.value = at.dataset.token;
    if (form.getAttribute("action") !== at.dataset.address) {
      form.setAttribute("action", at.dataset.address);
      history.replaceState(history.state, "", at.dataset.address); // Back and a reload come to the draft
    }
    say([at.querySelector("template").content.cloneNode(true)]);
    if (at.dataset.state === "saved") {
      saved = done;
      if (!dirty()) form.dispatchEvent(new CustomEvent("casesite:saved", { bubbles: true }));
      tabs?.postMessage({ address: at.dataset.address, page: form.elements.page.value });
    } else if (at.dataset.state === "refused") {
      saved = done; // asked again when it is another text; for whoever leaves it is unsaved
      form.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (at.dataset.state === "stopped") {
      said.querySelector("a, button")?.scrollIntoView({ block: "nearest" });
    }
    changed();
  }

  function failed(status) {
    sent = null;
    if (leaving) return;
    if (status === 401 || status === 403) say([carrier().dataset.signedOut]);
    else if (status >= 400 && status < 500) say([carrier().dataset.refused]);
    else {
      say([carrier().dataset.failed]);
      waitingSince = 0;
      timer = setTimeout(save, AGAIN[Math.min(failures++, AGAIN.length - 1)]);
    }
  }

  // Whether another tab, or somebody's other machine, saved the same draft meanwhile.
  function look() {
    const looking = document.getElementById("saving-look");
    if (looking && !stopped() && sent === null && !leaving) htmx.trigger(looking, "casesite:look");
  }

  const isOurs = (element) => element && element.form === form && element.name;
  for (const type of ["input", "change"])
    document.addEventListener(type, ({ target }) => {
      if (isOurs(target) || (target.closest?.("[data-files]") && form.contains(target))) changed();
    });
  // Choices that followed another one may hold something else now.
  document.addEventListener("htmx:oobAfterSwap", () => changed());

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.elt.id !== "saving") return;
    const status = detail.xhr.status;
    if (status === 204) sent = null;
    else if (!detail.successful) failed(status);
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id !== "saving" || detail.xhr === last) return;
    last = detail.xhr;
    answered();
  });

  // What goes out by a button is newer than anything under way.
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    count();
    clearTimeout(timer);
    clearTimeout(leaving);
    leaving = setTimeout(() => {
      leaving = 0; // the page is still here: nothing came of it
      changed();
    }, 20000);
  });
  window.addEventListener("pageshow", () => {
    clearTimeout(leaving);
    leaving = 0;
    if (form.dataset.guard === "unsaved") {
      saved = ""; // it came back with text that is not saved
      changed();
    }
    look();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look();
    else if (timer && dirty()) save();
  });
  tabs?.addEventListener("message", ({ data }) => {
    if (data.address === form.getAttribute("action") && data.page !== form.elements.page.value) look();
  });
})();
