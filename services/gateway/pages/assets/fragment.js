// The only module that makes HTML of text: the bodies of same-origin fragment responses.

const policy = globalThis.trustedTypes
  ? trustedTypes.createPolicy("fragment", { createHTML: (html) => html })
  : { createHTML: (html) => html };

/** The fragment at a path of this site, as a DocumentFragment; null where the response is not one. */
export async function fetchFragment(path, options = {}) {
  const url = new URL(path, location.href);
  if (url.origin !== location.origin) throw new Error("a fragment comes from this site only");
  const response = await fetch(url, { ...options, credentials: "same-origin", redirect: "error" });
  if (!response.ok || !response.headers.get("content-type")?.startsWith("text/html")) return null;
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(await response.text());
  return template.content;
}

/**
 * Replaces the children of `target` by those of `fragment`, and keeps the focus, the selection of a field and open
 * details, each found by its id.
 */
export function swap(target, fragment) {
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  const selection = focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
  const open = [...target.querySelectorAll("details[open][id]")].map((each) => each.id);
  target.replaceChildren(fragment);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (!focused?.id) return;
  const again = document.getElementById(focused.id);
  again?.focus({ preventScroll: true });
  if (selection?.[0] !== null && again && "setSelectionRange" in again) again.setSelectionRange(...selection);
}
