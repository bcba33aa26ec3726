// Follows a forecast until it settles.

import { fetchFragment, swap } from "./fragment.js";
import { follow } from "./stream.js";
import { localiseTimes } from "./times.js";

// The connection of a stream may be lost without an error, as while a computer sleeps.
const EVERY_MS = 30_000;

const state = () => document.getElementById("state");
const settled = () => state()?.hasAttribute("data-settled");
const key = () => `${state()?.dataset.state} ${state()?.dataset.version}`;

/** Swaps the children of `live` when the forecast changes, and announces each new state once. */
export function followForecast(live, announce) {
  async function update() {
    const fragment = await fetchFragment(live.dataset.fragment);
    const before = key();
    const read = [...live.querySelectorAll("[data-index]")].map((chart) => [chart.id, chart.dataset.index]);
    swap(live, fragment);
    // The keys go on from the value that was read last: a forecast comes after the past, which stays.
    for (const [id, index] of read) document.getElementById(id)?.setAttribute("data-index", index);
    localiseTimes(live);
    if (key() !== before) announce(live.querySelector("[data-announce]")?.textContent.trim() ?? "");
  }

  follow(live.dataset.events, "status", update, { settled, everyMs: EVERY_MS });
}
