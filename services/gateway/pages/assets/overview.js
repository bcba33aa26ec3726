// The overview of the console: says what has gone wrong, and what is right again.

import { addBars } from "./bars.js";
import { followChanges } from "./changes.js";
import { swap } from "./fragment.js";

const live = document.getElementById("live");
const announcer = document.getElementById("announcer");
const said = () => live.querySelector("[data-announce]").textContent.trim();

function announce(text) {
  announcer.textContent = text;
}

/** Whether a bar is being read. */
function reading() {
  return document.activeElement?.matches("[data-bars]") && live.querySelector("[data-bar].current") !== null;
}

function apply(target, fragment) {
  const before = said().replace(/\d+/g, "");
  swap(target, fragment);
  const now = said();
  if (now.replace(/\d+/g, "") !== before) announce(now || "Nothing is wrong any more.");
}

addBars(live, announce);
followChanges(live, { apply, paused: reading });
