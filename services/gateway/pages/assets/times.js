// The age of moments; their time in the reader's locale and time zone is the title.

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
const REFRESH_MS = 30_000;

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

function addAges(root) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    time.dataset.moment ||= time.textContent;
    time.textContent = `${time.dataset.moment} (${age(new Date(time.dateTime))})`;
  }
}

// On demand: the first use of Intl takes longer than all other scripts of a page.
function localise(event) {
  const time = event.target.closest?.("time[data-moment]");
  if (time && !time.title) {
    time.title = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" }).format(new Date(time.dateTime));
  }
}

/** Adds ages now, and again as they grow; those of new moments too. */
export function localiseTimes(root = document) {
  addAges(root);
  if (root !== document) return;
  setInterval(() => document.hidden || addAges(document), REFRESH_MS);
  document.addEventListener("pointerover", localise);
}
