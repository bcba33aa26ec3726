// A list of the console without a selection: rows change in place, and others wait for a click. It is the part `list`.

import { followChanges } from "./changes.js";
import { swap, swapParts } from "./fragment.js";
import { leave, offerNew, update } from "./rows.js";

const live = document.getElementById("live");
let whole = false; // whether the next update shows the list as it is now

function merge(list, fragment) {
  const body = list.querySelector("tbody");
  const fresh = fragment.querySelector("tbody");
  if (whole || !body) {
    swap(list, fragment);
    offerNew(0);
    return;
  }
  const more = fragment.querySelector('[rel="next"]') !== null;
  const found = new Map([...(fresh?.rows ?? [])].map((row) => [row.id, row]));
  for (const row of body.rows) {
    const now = found.get(row.id);
    if (now) update(row, now);
    // A row that others pushed to the next page may still match.
    else if (!more) leave(row);
    found.delete(row.id);
  }
  offerNew(found.size, more);
}

const refresh = followChanges(live, {
  apply(target, fragment) {
    swapParts(target, fragment, { list: merge });
    // The button that was clicked is hidden now.
    if (whole) live.querySelector('[data-part="list"] tbody a')?.focus();
    whole = false;
  },
});

document.getElementById("new-rows").addEventListener("click", () => {
  whole = true;
  refresh();
});
