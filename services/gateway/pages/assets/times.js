// Moments in the reader's locale and time zone, with their age.

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
const REFRESH_MS = 30_000;

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });

function age(date) {
  const seconds = (Date.now() - date) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(-Math.round(seconds / length), unit);
  }
  return "just now";
}

function localise(root) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    const date = new Date(time.dateTime);
    time.textContent = `${absolute.format(date)} (${age(date)})`;
  }
}

/** Rewrites all times now, and again as they age; new ones are found too. */
export function localiseTimes(root = document) {
  localise(root);
  if (root === document) setInterval(() => document.hidden || localise(document), REFRESH_MS);
}
