// The values of a chart at one date, by pointer, touch and arrow keys. Values are in the page's data block.

const SVG = "http://www.w3.org/2000/svg";
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

/** Adds a crosshair to each chart inside of `root`, also to those that are swapped in later. */
export function addCrosshairs(root, announce) {
  const place = (event) => {
    const chart = event.target.closest?.("[data-chart]");
    if (!chart || !root.contains(chart)) return;
    const svg = svgAt(chart, event.clientY);
    if (svg) show(chart, svg, indexAt(svg, event.clientX), null);
  };
  root.addEventListener("pointermove", place);
  root.addEventListener("pointerdown", place);
  root.addEventListener("pointerout", (event) => {
    const chart = event.target.closest?.("[data-chart]");
    if (chart && event.pointerType === "mouse" && !chart.contains(event.relatedTarget)) hide(chart);
  });
  root.addEventListener("keydown", (event) => {
    const chart = event.target.closest?.("[data-chart]");
    if (!chart || event.target !== chart) return;
    if (event.key === "Escape") hide(chart);
    // With a modifier, the same keys go back in the history or scroll.
    if (!(event.key in KEYS) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const svg = visibleSvgs(chart).at(-1);
    const { times, first } = drawn(svg);
    const current = Number(chart.dataset.index ?? times.length - 1);
    // The first arrow key shows the last value, from which the next ones move.
    const steps = chart.dataset.index === undefined && event.key.startsWith("Arrow") ? 0 : KEYS[event.key];
    const next = Math.min(Math.max(current + steps, first), times.length - 1);
    show(chart, svg, next, announce);
  });
  root.addEventListener("focusout", (event) => event.target.matches?.("[data-chart]") && hide(event.target));
}

function values() {
  const block = document.getElementById("values");
  if (block !== values.block) {
    values.block = block;
    values.parsed = JSON.parse(block.textContent);
  }
  return values.parsed;
}

/** A phone may show two charts of different times, one below the other. */
function visibleSvgs(chart) {
  return [...chart.querySelectorAll("svg[data-time]")].filter((svg) => svg.getClientRects().length);
}

function svgAt(chart, clientY) {
  return visibleSvgs(chart).find((svg) => {
    const { top, bottom } = svg.getBoundingClientRect();
    return top <= clientY && clientY <= bottom;
  });
}

/** How an SVG maps times and values to pixels of its view box, and which dates it shows. */
function drawn(svg) {
  const [left, top, right, bottom] = svg.dataset.plot.split(" ").map(Number);
  const [start, end] = svg.dataset.time.split(" ").map(Number);
  const [low, high] = svg.dataset.value.split(" ").map(Number);
  const { times } = values();
  return {
    top,
    bottom,
    times,
    first: Math.max(0, times.findIndex((time) => time >= start)),
    x: (time) => left + ((time - start) / (end - start)) * (right - left),
    y: (value) => bottom - ((value - low) / (high - low)) * (bottom - top),
    timeAt: (x) => start + ((x - left) / (right - left)) * (end - start),
  };
}

function indexAt(svg, clientX) {
  const box = svg.getBoundingClientRect();
  const scale = drawn(svg);
  const wanted = scale.timeAt(((clientX - box.left) / box.width) * svg.viewBox.baseVal.width);
  let nearest = scale.first;
  for (let index = scale.first; index < scale.times.length; index += 1) {
    if (Math.abs(scale.times[index] - wanted) < Math.abs(scale.times[nearest] - wanted)) nearest = index;
  }
  return nearest;
}

function show(chart, svg, index, announce) {
  hide(chart);
  const { names, labels, terms } = values();
  const scale = drawn(svg);
  const x = scale.x(scale.times[index]);
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", "crosshair");
  group.append(shape("path", { d: `M${x} ${scale.top}V${scale.bottom}` }));
  const shown = chart.dataset.chart ? [Number(chart.dataset.chart)] : [0, 1];
  const lines = [];
  for (const term of shown) {
    const [value, low, high] = [].concat(terms[term][index] ?? null);
    if (value === null) continue;
    group.append(shape("circle", { class: "ab"[term], cx: x, cy: scale.y(value), r: 4 }));
    lines.push([term, low === undefined ? format(value) : `${format(value)}, 8 of 10: ${format(low)} to ${format(high)}`]);
  }
  svg.append(group);
  const readout = box(labels[index], names, lines, x / svg.viewBox.baseVal.width);
  chart.append(readout);
  const below = svg.getBoundingClientRect().top - chart.getBoundingClientRect().top;
  readout.style.setProperty("top", `${readout.offsetTop + below}px`);
  chart.dataset.index = index;
  announce?.([labels[index], ...lines.map(([term, text]) => `${names[term]} ${text}`)].join("; "));
}

function hide(chart) {
  chart.querySelectorAll(".crosshair, .readout").forEach((each) => each.remove());
}

function box(label, names, lines, share) {
  const readout = document.createElement("div");
  readout.className = "readout";
  readout.setAttribute("aria-hidden", "true");
  const title = document.createElement("strong");
  title.textContent = label;
  readout.append(title);
  for (const [term, text] of lines) {
    const line = document.createElement("span");
    const name = document.createElement("bdi");
    name.className = `term ${"ab"[term]}`;
    name.textContent = names[term];
    line.append(name, ` ${text}`);
    readout.append(line);
  }
  // Beside the line, on the side with more room.
  readout.style.setProperty(share > 0.5 ? "right" : "left", `${100 * (share > 0.5 ? 1 - share : share) + 1.5}%`);
  return readout;
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function format(value) {
  return value > 0 && value < 1 ? "<1" : String(Math.round(value));
}
