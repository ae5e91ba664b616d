// Tells the styles that scripts run here: what only works with them may show itself.
document.documentElement.classList.add("js");
