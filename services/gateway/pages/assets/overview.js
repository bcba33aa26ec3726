// The overview of the console.

import { addBars } from "./bars.js";
import { followChanges } from "./changes.js";

const live = document.getElementById("live");

/** Whether a bar is being read. */
function reading() {
  return document.activeElement?.matches("[data-bars]") && live.querySelector("[data-bar].current") !== null;
}

addBars(live, (text) => (document.getElementById("announcer").textContent = text));
followChanges(live, { paused: reading });
