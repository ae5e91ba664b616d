// While somebody chooses until when a case is held back, or stands on a button, the page does not change under their hands.
(() => {
  "use strict";
  const isBusy = () => {
    const body = document.getElementById("queue-body") || document.getElementById("case-body");
    const isChoosing = document.querySelector("details.hold[open]");
    return Boolean(isChoosing || (body && body.id === "queue-body" && body.contains(document.activeElement)));
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id.endsWith("-refresh") && isBusy()) event.preventDefault(); // it comes again within a minute
  });
})();
