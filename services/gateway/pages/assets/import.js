// The import page: drop files, preview without a reload, and keep the chosen files from one step to the next.

import { readFragment } from "./fragment.js";
import { localiseTimes } from "./times.js";

const MAX_FILES = 2;
const TERMS = 2;
const TOO_LARGE_STATUS = 413;
const CHANGED = "The file cannot be read: it was changed or moved since it was chosen, or it is a folder. Choose it again.";
const TOO_LARGE = "The files are too large. Export fewer terms or a shorter time.";
const UNREACHABLE = "The server cannot be reached. Check the connection, and try again.";

const main = document.getElementById("main");
let kept = [];

/** Takes the files of an input; an input that joins adds them to those of the step before. */
function keep(input) {
  const chosen = [...input.files];
  const joins = input.hasAttribute("data-joins") && chosen.length < MAX_FILES;
  kept = [...(joins ? kept : []), ...chosen].slice(-MAX_FILES);
  if (joins) fill(input);
  else describe(input, "");
}

/** Puts the kept files into an input. */
function fill(input) {
  const transfer = new DataTransfer();
  for (const file of kept) transfer.items.add(file);
  input.files = transfer.files;
  describe(input, `Kept from the step before: ${kept.map((file) => file.name).join(", ")}`);
}

/** Shows which files are kept in place of the hint. */
function describe(input, words) {
  const [hint, shown] = input.closest(".drop").querySelectorAll(".hint");
  shown.textContent = words;
  shown.hidden = !words;
  hint.hidden = Boolean(words);
}

/** Changes the inputs of a step to what a script can do: drop files, and keep those of the step before. */
function prepare() {
  for (const input of main.querySelectorAll('input[type="file"]')) {
    const [label, hint] = input.closest(".drop").querySelectorAll("label, .hint");
    if (!kept.length) {
      hint.prepend("Choose it, or drop it on this page. ");
    } else if (input.hasAttribute("data-joins")) {
      label.textContent = "File of the second term";
      hint.textContent = `Choose it, or drop it on this page. It is read together with ${kept[0].name}.`;
    } else {
      label.textContent = "File";
      fill(input);
    }
  }
}

function fail(form, words) {
  let place = form.querySelector(".failure");
  if (!place) {
    place = document.createElement("p");
    place.className = "failure";
    place.setAttribute("role", "alert");
    form.prepend(place);
  }
  place.textContent = words;
  place.scrollIntoView({ block: "nearest" });
}

/** What is wrong with a form, in words; empty if nothing is. */
function mistake(form) {
  const chosen = form.querySelectorAll('[name="term"]:checked').length;
  const choice = form.elements.mustChoose ? [TERMS] : [0, TERMS];
  if (form.querySelector('[type="checkbox"]') && !choice.includes(chosen)) return `Choose two terms, not ${chosen}.`;
  const files = [...form.querySelectorAll('input[type="file"]')].reduce((sum, input) => sum + input.files.length, 0);
  if (files > MAX_FILES) return `Choose one or two files, not ${files}.`;
  const size = kept.reduce((sum, file) => sum + file.size, 0);
  return size > Number(form.dataset.maxBytes) ? TOO_LARGE : "";
}

async function send(form) {
  const wrong = mistake(form);
  if (wrong) {
    fail(form, wrong);
    return;
  }
  const body = new FormData(form);
  form.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(form.getAttribute("action"), { method: "POST", body, credentials: "same-origin" });
    if (response.redirected) {
      location.assign(response.url);
      return;
    }
    const page = await readFragment(response);
    if (page?.getElementById("main")) show(page);
    else fail(form, unexpected(response.status));
  } catch {
    fail(form, (await readable()) ? UNREACHABLE : CHANGED);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

/** What is wrong where the response is not a page of this site, as those of a proxy. */
function unexpected(status) {
  if (status === TOO_LARGE_STATUS) return TOO_LARGE;
  return `The server did not return a page (status ${status}). The files are kept here: try again in a moment.`;
}

/** Whether the kept files are still those that were chosen. */
async function readable() {
  try {
    await Promise.all(kept.map((file) => file.arrayBuffer()));
    return true;
  } catch {
    return false;
  }
}

function show(page) {
  document.title = page.querySelector("title").textContent;
  main.replaceChildren(...page.getElementById("main").childNodes);
  localiseTimes(main);
  prepare();
  scrollTo(0, 0);
  main.querySelector("[data-focus]")?.focus({ preventScroll: true });
}

main.addEventListener("change", (event) => event.target.type === "file" && keep(event.target));
main.addEventListener("submit", (event) => {
  if (event.target.enctype !== "multipart/form-data") return;
  event.preventDefault();
  if (!event.target.hasAttribute("aria-busy")) send(event.target);
});

// Files may be dropped anywhere on the page.
addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  main.setAttribute("data-dropping", "");
});
addEventListener("dragleave", (event) => event.relatedTarget || main.removeAttribute("data-dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  main.removeAttribute("data-dropping");
  const input = main.querySelector("[data-drop] input");
  if (!input || !event.dataTransfer.files.length) return;
  input.files = event.dataTransfer.files;
  keep(input);
  input.form.requestSubmit();
});

prepare();
