// The age of moments, and their time in the reader's locale and time zone, in the places that the page reserves.

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
const REFRESH_MS = 30_000;
const IDLE_MS = 500; // where the browser does not say when it is idle
const PARTS = { day: "numeric", month: "short", hour: "numeric", minute: "2-digit", timeZoneName: "short" };

let locale = null; // the reader's; not known until the page is idle

function age(date) {
  const seconds = (Date.now() - date) / 1000;
  for (const [unit, length] of UNITS) {
    const count = Math.round(Math.abs(seconds) / length);
    if (Math.abs(seconds) < length) continue;
    const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
    return seconds > 0 ? `${words} ago` : `in ${words}`;
  }
  return "just now";
}

function fill(root) {
  for (const place of root.querySelectorAll("time[data-here]")) {
    const date = new Date(place.dateTime);
    place.replaceChildren("(", age(date), ...(locale ? [" · ", inLocale(date)] : []), ")");
  }
}

function inLocale(date) {
  const text = document.createElement("bdi");
  text.lang = locale.resolvedOptions().locale;
  text.textContent = locale.format(date);
  return text;
}

// The first use of Intl takes longer than all other scripts of a page.
function whenIdle(work) {
  if (globalThis.requestIdleCallback) requestIdleCallback(work);
  else setTimeout(work, IDLE_MS);
}

/** Fills the places of a document, again as ages grow, or those of new moments in `root`. */
export function localiseTimes(root = document) {
  fill(root);
  if (root !== document) return;
  setInterval(() => document.hidden || fill(document), REFRESH_MS);
  whenIdle(() => {
    locale = new Intl.DateTimeFormat(undefined, PARTS);
    fill(document);
  });
}
