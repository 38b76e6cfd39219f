// What makes pages quicker; everything works without it.
"use strict";

// A form is sent once: a double click does nothing more.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.method === "post" && !form.hasAttribute("data-upload") && !form.hasAttribute("hx-post")) {
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 8000);
  }
});
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
});

// The card of who is signed in closes like a menu.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.who[open]").forEach((card) => {
    if (!card.contains(event.target)) card.open = false;
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll("details.who[open]").forEach((card) => {
    card.open = false;
    card.querySelector("summary").focus();
  });
});

// Files: dropped, shown by name, sent with a bar.
document.querySelectorAll("form[data-upload]").forEach((form) => {
  const zone = form.querySelector(".dropping");
  const input = form.querySelector("input[type=file]");
  const names = form.querySelector("[data-names]");
  const bar = form.querySelector("progress");
  const told = form.querySelector("[data-told]");
  const show = () => { names.textContent = Array.from(input.files, (file) => file.name).join(", "); };
  input.addEventListener("change", show);
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.remove("over"); });
  }
  zone.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; show(); form.requestSubmit(); }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    const request = new XMLHttpRequest();
    const ended = (text) => {
      delete form.dataset.sent;
      bar.hidden = true;
      told.innerHTML = text;
      told.focus();
    };
    request.open("POST", form.action);
    request.setRequestHeader("HX-Request", "true");
    bar.hidden = false;
    told.textContent = form.dataset.sending;
    request.upload.addEventListener("progress", (step) => {
      bar.max = step.total;
      bar.value = step.loaded;
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      told.textContent = form.dataset.checking;
    });
    request.addEventListener("load", () => {
      const next = request.getResponseHeader("HX-Redirect");
      if (next) location.assign(next); else ended(request.responseText);
    });
    request.addEventListener("error", () => ended(form.dataset.lost));
    request.send(new FormData(form));
  });
});

// What changes by itself: told by the server, or looked at again after a while.
let watched = null;
const watch = () => {
  const live = document.querySelector("[data-live]");
  if (watched) watched.close();
  watched = live ? new EventSource(live.dataset.live) : null;
  if (!watched) return;
  let silent = 0;
  watched.addEventListener("changed", async () => {
    watched.close();
    await htmx.ajax("GET", location.href, { target: "#live", select: "#live", swap: "outerHTML" });
    watch();
  });
  watched.addEventListener("open", () => { silent = 0; });
  watched.addEventListener("error", () => {
    silent += 1;
    if (silent > 3) { watched.close(); setTimeout(() => location.reload(), 15000); }
  });
};
watch();

// What is being written is kept as a draft, soon after each change.
document.querySelectorAll("form[data-keep]").forEach((form) => {
  const told = form.querySelector("[data-kept]");
  let waiting = 0;
  const keep = async () => {
    const content = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(form.dataset.keep, { method: "POST", body: content, headers: { "HX-Request": "true" } });
      const version = answer.headers.get("Draft-Version");
      if (version) form.elements.version.value = version;
      told.innerHTML = await answer.text();
    } catch {
      told.textContent = form.dataset.lost;
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(keep, 1500);
  });
});
