// Sends what was kept over a sign-in on its way, once.
(() => {
  "use strict";
  const form = document.querySelector("form[data-resume]");
  if (form) form.requestSubmit();
})();
