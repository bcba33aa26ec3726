// The only module that makes HTML of text: the bodies of same-origin fragment responses.

const PATIENCE_MS = 10_000; // without it, a lost connection would leave a page as it is for minutes, and call it live
const policy = globalThis.trustedTypes
  ? trustedTypes.createPolicy("fragment", { createHTML: (html) => html })
  : { createHTML: (html) => html };

/**
 * The fragment at a path of this site, as a DocumentFragment. Throws an error with the `status` of another response, or
 * if none arrives in time.
 */
export async function fetchFragment(path) {
  const url = new URL(path, location.href);
  if (url.origin !== location.origin) throw new Error("a fragment comes from this site only");
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(url, { signal, credentials: "same-origin", redirect: "error" });
  const fragment = response.ok ? await readFragment(response) : null;
  if (!fragment) throw Object.assign(new Error("no fragment"), { status: response.status });
  return fragment;
}

/** The HTML of a response of this site as a DocumentFragment; null where it has none. */
export async function readFragment(response) {
  if (response.type !== "basic") throw new Error("a fragment comes from this site only");
  if (!response.headers.get("content-type")?.startsWith("text/html")) return null;
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(await response.text());
  return template.content;
}

/**
 * Replaces the children of `target` by those of `fragment`, and keeps the focus, the selection of a field, open
 * details and the place in parts that scroll. Elements are found again by id; a summary by that of its details.
 */
export function swap(target, fragment) {
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  const place = focused && selectorOf(focused);
  const selection = focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
  const open = [...target.querySelectorAll("details[open][id]")].map((each) => each.id);
  const scrolled = [...target.querySelectorAll('[tabindex="0"][id]')]
    .map((each) => [each.id, each.scrollLeft, each.scrollTop])
    .filter(([, left, top]) => left || top);
  target.replaceChildren(fragment);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
  if (!place) return;
  const again = document.querySelector(place);
  again?.focus({ preventScroll: true });
  if (selection?.[0] !== null && again && "setSelectionRange" in again) again.setSelectionRange(...selection);
}

/**
 * Swaps each `[data-part]` of `target` that has changed for that of the same name in `fragment`, or applies it by
 * `apply[name](part, content)` if given. What is outside of the parts stays, such as a form that is being filled in.
 */
export function swapParts(target, fragment, apply = {}) {
  for (const now of fragment.querySelectorAll("[data-part]")) {
    const name = now.dataset.part;
    const part = target.querySelector(`[data-part="${name}"]`);
    if (!apply[name] && part.innerHTML === now.innerHTML) continue;
    const content = document.createDocumentFragment();
    content.append(...now.childNodes);
    (apply[name] ?? swap)(part, content);
  }
}

function selectorOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const details = element.matches("details[id] > summary") ? element.parentElement : null;
  return details && `#${CSS.escape(details.id)} > summary`;
}
