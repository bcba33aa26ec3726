// The page of one job.

import { followChanges } from "./changes.js";
import { addCopying } from "./copy.js";
import { swapParts } from "./fragment.js";

const live = document.getElementById("live");
const form = document.getElementById("act");

followChanges(live, { apply: swapParts });
addCopying(live, (text) => (document.getElementById("announcer").textContent = text));

// The page stays, and is kept up to date, until the response to the form.
if (form) {
  const waiting = form.querySelector("[data-run]");
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    else if (event.submitter?.value === "run") waiting.textContent = waiting.dataset.run;
    sent = true;
  });
  addEventListener("pageshow", () => {
    sent = false;
    waiting.textContent = "";
  });
}
