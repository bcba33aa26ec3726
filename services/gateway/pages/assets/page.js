// The page of a comparison: its parts work without each other.

import { addCrosshairs } from "./crosshair.js";
import { addDownloads } from "./downloads.js";
import { followForecast } from "./live.js";
import { localiseTimes } from "./times.js";

const live = document.getElementById("live");
const announcer = document.getElementById("announcer");

function announce(text) {
  announcer.textContent = text;
}

localiseTimes();
addDownloads(announce);
if (live) {
  addCrosshairs(live, announce);
  followForecast(live, announce);
}
