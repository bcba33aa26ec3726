// Follows a forecast until it settles.

import { fetchFragment, swap } from "./fragment.js";
import { follow } from "./stream.js";
import { localiseTimes } from "./times.js";

const state = () => document.getElementById("state");
const settled = () => state()?.hasAttribute("data-settled");
const key = () => `${state()?.dataset.state} ${state()?.dataset.version}`;

/** Swaps the children of `live` when the forecast changes, and announces each new state once. */
export function followForecast(live, announce) {
  async function update() {
    const fragment = await fetchFragment(live.dataset.fragment);
    const before = key();
    swap(live, fragment);
    localiseTimes(live);
    if (key() !== before) announce(live.querySelector("[data-announce]")?.textContent.trim() ?? "");
  }

  follow(live.dataset.events, "status", update, { settled });
}
