// Keeps "12 min ago" true while a page stays open. The words are the server's, and so is the time of day.
(() => {
  "use strict";
  const { relativeWords, now } = document.documentElement.dataset;
  if (!relativeWords) return;
  const words = JSON.parse(relativeWords);
  // A page that comes out of the browser's history tells an old time.
  const old = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  const ahead = old ? 0 : Date.parse(now) - Date.now();

  function span(minutes) {
    if (minutes < 60) return words.minutes.replace("#", minutes);
    if (minutes < 24 * 60) return words.hours.replace("#", Math.floor(minutes / 60));
    const days = Math.floor(minutes / (24 * 60));
    return (days === 1 ? words.day : words.days).replace("#", days);
  }

  function say(time) {
    const passed = Date.now() + ahead - Date.parse(time.dateTime);
    const minutes = Math.floor(Math.abs(passed) / 60000);
    if (minutes >= 7 * 24 * 60) return; // a date by now, and the server writes those
    let text = passed >= 0 ? words.now : words.soon;
    if (minutes >= 1) text = (passed >= 0 ? words.ago : words.in).replace("#", span(minutes));
    if (time.textContent !== text) time.textContent = text;
  }

  function sayAll(root) {
    for (const time of root.querySelectorAll("time[data-relative]")) say(time);
  }

  document.addEventListener("htmx:load", (event) => sayAll(event.target));
  document.addEventListener("visibilitychange", () => document.hidden || sayAll(document));
  setInterval(() => document.hidden || sayAll(document), 20000);
})();
