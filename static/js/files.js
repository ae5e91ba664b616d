// Sends each chosen or dropped file at once, with its progress, so that the form itself carries only their keys. Without it
// the files come with the form. The server says what is refused and why; it is asked before the bytes of a large file leave.
(() => {
  "use strict";
  const AT_ONCE = 2;
  const waiting = [];
  const going = new Set();
  let onceDone = null; // the button that was pressed while files were on their way

  const megabytes = (bytes) => `${(bytes / 1048576).toFixed(bytes < 10485760 ? 1 : 0)} MB`;

  function say(box, text) {
    box.querySelector("[data-files-said]").textContent = text;
  }

  function button(text, name, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "link-button small";
    made.append(text);
    const hidden = document.createElement("span");
    hidden.className = "visually-hidden";
    hidden.textContent = ` ${name}`;
    made.append(hidden);
    made.addEventListener("click", action);
    return made;
  }

  function line(box, file) {
    const entry = document.createElement("li");
    entry.className = "file";
    entry.dataset.file = "";
    const name = document.createElement("span");
    name.className = "file-name";
    name.dir = "auto";
    name.textContent = file.name;
    const told = document.createElement("span");
    told.className = "small muted file-told";
    told.textContent = box.dataset.waiting;
    const progress = document.createElement("progress");
    progress.max = 1;
    progress.value = 0;
    progress.setAttribute("aria-label", file.name);
    told.append(progress);
    entry.append(name, told);
    box.querySelector(".file-list").append(entry);
    return entry;
  }

  function choose(box, files) {
    for (const file of files) {
      const upload = { box, file, entry: line(box, file), request: null };
      upload.entry.append(button(box.dataset.cancel, file.name, () => cancel(upload)));
      waiting.push(upload);
    }
    changed(box);
    goOn();
  }

  // A line counts whether its file is here or still on its way, but not if it was refused.
  function heldBefore(upload) {
    const lines = [...upload.box.querySelectorAll(".file-list > [data-file]:not(.bad)")];
    return lines.indexOf(upload.entry);
  }

  function goOn() {
    while (going.size < AT_ONCE && waiting.length) start(waiting.shift());
    if (!going.size && !waiting.length && onceDone) {
      const pressed = onceDone;
      onceDone = null;
      if (pressed.isConnected) pressed.form.requestSubmit(pressed);
    }
  }

  function start(upload) {
    going.add(upload);
    const limits = document.querySelector("[data-file-limits]");
    const known = limits ? Number(limits.dataset.size) : Infinity;
    if (upload.file.size > known || !limits || Number(limits.dataset.count) === 0) ask(upload);
    else send(upload);
  }

  function form(upload) {
    const given = upload.box.closest("form");
    const data = new FormData();
    data.set("csrfmiddlewaretoken", given.elements.csrfmiddlewaretoken.value);
    for (const name of ["account", "connect_template"])
      data.set(name, given.elements[name] ? given.elements[name].value : "");
    data.set("held", heldBefore(upload));
    return data;
  }

  function request(upload, data, ended) {
    const sent = new XMLHttpRequest();
    upload.request = sent;
    sent.open("POST", upload.box.dataset.files);
    sent.setRequestHeader("HX-Request", "true"); // a signed-out session is told by 401
    sent.addEventListener("load", () => ended(sent));
    sent.addEventListener("error", () => refused(upload, `“${upload.file.name}” ${upload.box.dataset.failed}`));
    sent.upload.addEventListener("progress", (event) => moved(upload, event));
    sent.send(data);
  }

  function ask(upload) {
    const data = form(upload);
    data.set("name", upload.file.name);
    data.set("size", upload.file.size);
    request(upload, data, (sent) => (sent.status === 204 ? send(upload) : answered(upload, sent)));
  }

  function send(upload) {
    const data = form(upload);
    data.set("files", upload.file, upload.file.name);
    request(upload, data, (sent) => answered(upload, sent));
  }

  function moved(upload, event) {
    const told = upload.entry.querySelector(".file-told");
    const progress = told && told.querySelector("progress");
    if (!progress || !event.lengthComputable || !upload.file.size) return;
    progress.value = event.loaded / event.total;
    const done = Math.min(event.loaded, upload.file.size);
    const words = `${megabytes(done)} ${upload.box.dataset.of} ${megabytes(upload.file.size)}`;
    told.firstChild.textContent = event.loaded < event.total ? words : upload.box.dataset.checking;
  }

  function answered(upload, sent) {
    const { box, file } = upload;
    if (sent.status === 200) {
      const made = document.createElement("template");
      made.innerHTML = sent.responseText;
      const entry = made.content.querySelector("[data-file]");
      const had = upload.entry.contains(document.activeElement);
      upload.entry.replaceWith(entry);
      if (window.htmx) window.htmx.process(entry);
      if (had) entry.querySelector("button").focus();
      ended(upload);
      say(box, `${file.name} ${box.dataset.added}`);
    } else if (sent.status === 401) refused(upload, `“${file.name}” ${box.dataset.signedOut}`);
    else if (sent.status === 422) refused(upload, sent.responseText);
    else refused(upload, `“${file.name}” ${box.dataset.failed}`);
  }

  function refused(upload, why) {
    const text = document.createElement("span");
    text.className = "small toned";
    text.textContent = why;
    text.setAttribute("role", "alert");
    upload.entry.className = "file bad";
    upload.entry.replaceChildren(text, button(upload.box.dataset.dismiss, upload.file.name, () => dismiss(upload)));
    onceDone = null; // what was to go on with it is a person's to decide now
    ended(upload);
  }

  function ended(upload) {
    going.delete(upload);
    changed(upload.box);
    goOn();
  }

  function cancel(upload) {
    const at = waiting.indexOf(upload);
    if (at >= 0) waiting.splice(at, 1);
    else if (upload.request) upload.request.abort();
    dismiss(upload);
    ended(upload);
  }

  function dismiss(upload) {
    upload.entry.remove();
    upload.box.querySelector("input[type=file]").focus();
  }

  function changed(box) {
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-files]");
    if (!box || event.target.type !== "file" || !event.target.files.length) return;
    const chosen = [...event.target.files];
    event.target.value = "";
    choose(box, chosen);
  });

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-remove-file]");
    if (!pressed) return;
    event.preventDefault();
    const box = pressed.closest("[data-files]");
    const entry = pressed.closest("[data-file]");
    say(box, `${entry.querySelector(".file-name").textContent} ${box.dataset.removed}`);
    entry.remove();
    box.querySelector("input[type=file]").focus();
    changed(box);
  });

  document.addEventListener(
    "submit",
    (event) => {
      const box = event.target.querySelector("[data-files]");
      if (!box || (!going.size && !waiting.length)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      onceDone = event.submitter;
      say(box, box.dataset.unfinished);
      box.querySelector("[data-files-said]").classList.remove("visually-hidden");
    },
    true,
  );

  function dropping(event) {
    const box = event.target.closest && event.target.closest("[data-files]");
    return box && event.dataTransfer && [...event.dataTransfer.types].includes("Files") ? box : null;
  }

  for (const name of ["dragenter", "dragover"])
    document.addEventListener(name, (event) => {
      const box = dropping(event);
      if (!box) return;
      event.preventDefault();
      box.classList.add("dropping");
    });
  document.addEventListener("dragleave", (event) => {
    const box = dropping(event);
    if (box && !box.contains(event.relatedTarget)) box.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    const box = dropping(event);
    if (!box) return;
    event.preventDefault();
    box.classList.remove("dropping");
    choose(box, [...event.dataTransfer.files]);
  });
})();
