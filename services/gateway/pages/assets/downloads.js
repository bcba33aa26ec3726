// Share the address, and save the chart as a picture.

const COPIED = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
  "stroke-opacity", "opacity", "font-family", "font-size", "font-weight", "text-anchor", "paint-order"];
const SCALE = 2;
const PADDING = 24;

/** Shows and connects the buttons that need scripts, where the browser can do what they do. */
export function addDownloads(announce) {
  // Without TLS, browsers neither share nor copy.
  if (navigator.canShare || navigator.clipboard) connect("share", share, announce);
  else document.getElementById("share")?.remove();
  connect("png", savePicture, announce);
}

function connect(id, action, announce) {
  const button = document.getElementById(id);
  if (!button) return;
  const words = button.textContent;
  let shown = 0;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const result = await action().catch((error) => (error.name === "AbortError" ? "" : "Failed"));
    if (!result) return;
    button.textContent = result;
    announce(result);
    clearTimeout(shown);
    shown = setTimeout(() => (button.textContent = words), 2_000);
  });
}

async function share() {
  const link = { title: document.title, url: location.href };
  if (navigator.canShare?.(link)) {
    await navigator.share(link);
    return "";
  }
  await navigator.clipboard.writeText(location.href);
  return "Link copied";
}

async function savePicture() {
  // A phone may show two sizes of a chart: the picture has that of all of the past.
  const shown = [...document.querySelectorAll("[data-chart]")].map((chart) =>
    [...chart.querySelectorAll("svg[data-time]")].filter((svg) => svg.getClientRects().length).at(-1));
  const sizes = shown.map((svg) => svg.viewBox.baseVal);
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * (Math.max(...sizes.map((size) => size.width)) + 2 * PADDING);
  canvas.height = SCALE * (sizes.reduce((sum, size) => sum + size.height, 0) + 2 * PADDING);
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(document.querySelector(".card")).backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  let top = SCALE * PADDING;
  for (const [index, svg] of shown.entries()) {
    const { width, height } = sizes[index];
    context.drawImage(await picture(svg, width, height), SCALE * PADDING, top, SCALE * width, SCALE * height);
    top += SCALE * height;
  }
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${decodeURIComponent(location.pathname.split("/").pop())}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return "Saved";
}

/** An image of an SVG with its colours as attributes, since a saved file has no style sheet. */
async function picture(svg, width, height) {
  const copy = svg.cloneNode(true);
  const originals = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, index) => {
    const style = getComputedStyle(originals[index]);
    for (const property of COPIED) element.setAttribute(property, style.getPropertyValue(property));
  });
  copy.querySelectorAll(".crosshair").forEach((each) => each.remove());
  copy.setAttribute("width", SCALE * width);
  copy.setAttribute("height", SCALE * height);
  const source = new XMLSerializer().serializeToString(copy);
  const url = URL.createObjectURL(new Blob([source], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}
