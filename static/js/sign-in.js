// Tells the site how this browser's clock is set: who chose no time zone yet sees times as here.
(() => {
  "use strict";
  const field = document.querySelector("[data-sign-in] [name='browser_time_zone']");
  if (field) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
})();
