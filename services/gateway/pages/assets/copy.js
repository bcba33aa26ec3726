// Buttons that copy the text of an element.

/** Shows the buttons inside of `root`, and copies on a click; also those that are swapped in later. */
export function addCopying(root, announce) {
  const show = () => root.querySelectorAll("[data-copy]").forEach((button) => (button.hidden = false));
  if (!navigator.clipboard) return;
  show();
  new MutationObserver(show).observe(root, { childList: true, subtree: true });
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    announce("Copied");
  });
}
