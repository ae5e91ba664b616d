// Says that the session has ended when a fragment could not be fetched; the page and all text in it stay.
(() => {
  "use strict";
  document.addEventListener("casesite:signed-out", (event) => {
    const region = document.getElementById("messages");
    if (!region || region.querySelector("[data-signed-out]")) return;
    const note = document.createElement("div");
    note.className = "note warn";
    note.dataset.signedOut = "";
    note.textContent = event.detail.value;
    region.append(note);
  });
})();
