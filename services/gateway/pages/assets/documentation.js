// Sends a GET of the documentation, and shows the answer as text.

const SHOWN_HEADERS = ["content-type", "cache-control", "etag", "age", "vary", "location", "retry-after", "www-authenticate",
  "ratelimit-policy", "ratelimit", "x-request-id"];
const MAX_CHARACTERS = 200_000;
const TIMEOUT = 30_000; // milliseconds

const { origin } = document.querySelector("[data-origin]").dataset;
for (const code of document.querySelectorAll("[data-curl]")) {
  code.textContent = code.textContent.replace(origin, location.origin);
}
for (const button of document.querySelectorAll("[data-copy]")) addCopy(button);
for (const button of document.querySelectorAll("[data-try]")) addForm(button);

function addCopy(button) {
  if (!navigator.clipboard) return; // outside of HTTPS and localhost
  button.hidden = false;
  button.addEventListener("click", async () => {
    const words = button.textContent;
    const command = button.closest("section").querySelector("[data-curl]").textContent;
    button.textContent = await navigator.clipboard.writeText(command).then(() => "Copied", () => "Failed");
    setTimeout(() => (button.textContent = words), 2_000);
  });
}

function addForm(button) {
  const form = document.getElementById(button.getAttribute("aria-controls"));
  button.hidden = false;
  button.addEventListener("click", () => {
    form.hidden = !form.hidden;
    button.setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) form.querySelector("input, select, button").focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.ariaBusy !== "true") send(form);
  });
}

async function send(form) {
  const answer = form.querySelector("[data-answer]");
  form.ariaBusy = "true";
  answer.hidden = true;
  report(form, "Sending …");
  try {
    const started = performance.now();
    const response = await fetch(...request(form));
    const body = await response.blob();
    const milliseconds = Math.round(performance.now() - started);
    show(answer, response, await body.text());
    const status = `${response.status} ${response.statusText}`.trim();
    report(form, `${status}, ${milliseconds} ms, ${body.size.toLocaleString()} bytes`, !response.ok && response.status !== 304);
  } catch (error) {
    report(form, error.name === "TimeoutError" ? "No answer within 30 s." : `Not sent, or no answer: ${error.message}`, true);
  } finally {
    form.ariaBusy = "false";
  }
}

/** The arguments of `fetch`. A parameter without a value is not sent. */
function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = new Headers();
  for (const { name, value, dataset } of form.querySelectorAll("[data-place]")) {
    if (!value) continue;
    if (dataset.place === "path") path = path.replace(`{${name}}`, () => encodeURIComponent(value));
    else if (dataset.place === "query") query.set(name, value);
    else headers.set(name, value);
  }
  const url = new URL(path, location.origin);
  url.search = query;
  // The API does not accept the cookie of a login.
  return [url, { headers, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) }];
}

function show(answer, response, body) {
  const rows = SHOWN_HEADERS.filter((name) => response.headers.has(name)).map((name) => {
    const row = document.createElement("div");
    const term = row.appendChild(document.createElement("dt"));
    term.append(document.createElement("code"));
    term.firstChild.textContent = name;
    row.appendChild(document.createElement("dd")).textContent = response.headers.get(name);
    return row;
  });
  answer.querySelector("[data-headers]").replaceChildren(...rows);
  const text = indented(body, response.headers.get("content-type") ?? "");
  const rest = text.length - MAX_CHARACTERS;
  answer.querySelector("[data-body]").textContent =
    rest > 0 ? `${text.slice(0, MAX_CHARACTERS)}\n… and ${rest.toLocaleString()} more characters` : text || "(no body)";
  answer.hidden = false;
}

function indented(body, type) {
  try {
    return /\bjson\b/.test(type) ? JSON.stringify(JSON.parse(body), null, 2) : body;
  } catch {
    return body;
  }
}

function report(form, words, failed = false) {
  const outcome = form.querySelector("[data-outcome]");
  outcome.textContent = words;
  outcome.classList.toggle("failure", failed);
}
