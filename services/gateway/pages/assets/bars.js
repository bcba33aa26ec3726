// Bars of a chart by arrow keys: the text of each below the chart.

const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

/** Adds the keys to each `[data-bars]` inside of `root`, also to those that are swapped in later. */
export function addBars(root, announce) {
  root.addEventListener("keydown", (event) => {
    const chart = event.target;
    if (!chart.matches?.("[data-bars]")) return;
    if (event.key === "Escape") chart.querySelectorAll(".current").forEach((bar) => bar.classList.remove("current"));
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    const svg = [...chart.querySelectorAll("svg")].find((each) => each.getClientRects().length);
    const bars = [...svg.querySelectorAll("[data-bar]")];
    const current = bars.findIndex((bar) => bar.classList.contains("current"));
    const next = current < 0 ? bars.length - 1 : Math.min(Math.max(current + KEYS[event.key], 0), bars.length - 1);
    bars[current]?.classList.remove("current");
    bars[next].classList.add("current");
    chart.querySelector("[data-readout]").textContent = `${bars[next].dataset.bar} (UTC)`;
    announce(bars[next].dataset.bar);
  });
}
