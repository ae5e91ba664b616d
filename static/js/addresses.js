// Shows the addresses of a text box one by one below it, each to be taken out again, the bad ones marked. The box itself
// stays what is sent, and the server decides what an address is.
(() => {
  "use strict";
  const SEPARATORS = /[\s,;]+/;
  const ADDRESS = /^[^\s@<>()"]+@[^\s@.<>()"]+(\.[^\s@.<>()"]+)+$/;

  const addresses = (box) => [...new Set(box.value.split(SEPARATORS).filter(Boolean))];

  function show(list) {
    const box = document.getElementById(list.dataset.addresses);
    const found = addresses(box);
    list.hidden = !found.length;
    list.replaceChildren(...found.map((address) => item(list, box, address)));
  }

  function item(list, box, address) {
    const entry = document.createElement("li");
    const good = ADDRESS.test(address);
    entry.className = good ? "tok" : "tok bad";
    entry.append(address);
    if (!good) {
      const why = document.createElement("span");
      why.className = "toned";
      why.textContent = list.dataset.bad;
      entry.append(why);
    }
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "remove";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `${list.dataset.remove} ${address}`);
    remove.addEventListener("click", () => take(list, box, address));
    entry.append(remove);
    return entry;
  }

  function take(list, box, address) {
    box.value = addresses(box).filter((each) => each !== address).join(", ");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  document.addEventListener("input", (event) => {
    const list = document.querySelector(`[data-addresses="${CSS.escape(event.target.id)}"]`);
    if (list) show(list);
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-addresses]").forEach(show));
})();
