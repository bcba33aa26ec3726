// Keeps a page of the console up to date while it is visible and nothing on it is selected.

import { fetchFragment, swap } from "./fragment.js";
import { follow } from "./stream.js";

const EVERY_MS = 5_000; // times and leases run on without a change
const asOf = document.getElementById("as-of");
const freshness = document.getElementById("freshness");

/** Shows one of `live`, `paused`, `failed`, `loggedOut` and `ended`, in the words of the page. */
function say(name) {
  freshness.textContent = freshness.dataset[name];
  freshness.dataset.state = name;
}

/** What a page would announce. Numbers change too often to be said. */
function announcement(live) {
  return live.querySelector("[data-announce]")?.textContent.trim() ?? "";
}

function announce(now, before) {
  const withoutNumbers = (text) => text.replace(/[\d.,]+/g, "");
  if (withoutNumbers(now) !== withoutNumbers(before)) {
    document.getElementById("announcer").textContent = now || "Nothing is wrong any more.";
  }
}

/** Whether text of the page is selected, which a swap would lose. */
function textSelected(live) {
  const selection = getSelection();
  return !selection.isCollapsed && live.contains(selection.anchorNode);
}

/**
 * Fetches the fragment of `live` at each change and applies it by `apply(live, fragment)`; not while `paused()`.
 * Returns a function that updates now, for the end of a pause.
 */
export function followChanges(live, { apply = swap, paused = () => false } = {}) {
  const settled = () => live.querySelector("[data-settled]") !== null;

  async function update() {
    if (paused() || textSelected(live)) {
      say("paused");
      return;
    }
    try {
      const fragment = await fetchFragment(live.dataset.fragment);
      if (paused()) return;
      asOf.textContent = fragment.querySelector("[data-as-of]").textContent;
      const before = announcement(live);
      apply(live, fragment);
      announce(announcement(live), before);
      say(settled() ? "ended" : "live");
    } catch (error) {
      say(error.status === 401 ? "loggedOut" : "failed");
      throw error;
    }
  }

  return follow(live.dataset.events, "changed", update, {
    everyMs: EVERY_MS,
    settled,
  });
}
