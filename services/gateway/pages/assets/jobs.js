// The list of jobs: rows change in place, new ones wait for a click, and nothing changes while any is selected.

import { followChanges } from "./changes.js";
import { swap } from "./fragment.js";
import { addJobKeys } from "./job-keys.js";
import { submitOnce } from "./once.js";
import { leave, offerNew, update } from "./rows.js";

const live = document.getElementById("live");
const newRows = document.getElementById("new-rows");
const form = document.getElementById("selected");
const selected = () => [...live.querySelectorAll('input[name^="job-"]:checked')];

/** Updates the rows that are shown, marks those that left, and counts the new ones. */
function merge(target, fragment) {
  const body = target.querySelector("tbody");
  const fresh = fragment.querySelector("tbody");
  if (!body) {
    swap(target, fragment);
    return;
  }
  const freshRows = [...(fresh?.rows ?? [])];
  const found = new Map(freshRows.map((row) => [row.id, row]));
  const last = Number(freshRows.at(-1)?.dataset.job ?? 0);
  const more = fragment.querySelector('[rel="next"]') !== null;
  for (const row of body.rows) {
    const now = found.get(row.id);
    if (now) update(row, now);
    // A row that new ones pushed to the next page may still match.
    else if (!more || Number(row.dataset.job) > last) leave(row);
  }
  // Older jobs may begin to match; those that only moved up from the next page are not new.
  const shown = new Set([...body.rows].map((row) => row.id));
  const oldest = target.querySelector('[rel="next"]') ? Number([...body.rows].at(-1).dataset.job) : 0;
  offerNew(freshRows.filter((row) => !shown.has(row.id) && Number(row.dataset.job) > oldest).length, more);
}

let whole = false; // whether the next update takes in the new rows
const refresh = followChanges(live, {
  apply(target, fragment) {
    if (!whole) {
      merge(target, fragment);
      return;
    }
    whole = false;
    swap(target, fragment);
    offerNew(0);
    live.querySelector("tbody a")?.focus();
  },
  paused: () => selected().length > 0,
});

newRows.addEventListener("click", () => {
  whole = true;
  refresh();
});

let paused = false;
function showSelection() {
  const count = selected().length;
  form.hidden = !count;
  document.getElementById("selected-count").textContent = `${count} selected`;
  if (paused || count) refresh();
  paused = count > 0;
}

if (form) {
  submitOnce(form);
  const clear = document.getElementById("clear");
  clear.hidden = false;
  clear.addEventListener("click", () => {
    selected().forEach((box) => (box.checked = false));
    showSelection();
    live.querySelector("tbody a")?.focus();
  });
  live.addEventListener("change", showSelection);
  // The browser may have kept a selection.
  addEventListener("pageshow", showSelection);
  showSelection();
}
addJobKeys(live, form, showSelection);
