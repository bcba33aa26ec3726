// The page of one job.

import { followChanges } from "./changes.js";
import { addCopying } from "./copy.js";
import { swapParts } from "./fragment.js";
import { submitOnce } from "./once.js";

const live = document.getElementById("live");
const form = document.getElementById("act");

function announce(text) {
  document.getElementById("announcer").textContent = text;
}

followChanges(live, { apply: swapParts });
addCopying(live, announce);

// The page stays, and follows the job, until the response to the form.
if (form) {
  const waiting = document.getElementById("waiting");
  submitOnce(form);
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value !== "run") return;
    waiting.hidden = false;
    announce(waiting.textContent);
  });
  addEventListener("pageshow", () => (waiting.hidden = true));
}
