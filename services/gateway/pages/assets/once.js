// A form that is sent once, also at a double click or while Enter is held: a second request would be refused, and its
// answer replaces that of the first.

/** Ignores each submission of a form after the first one, until the page is shown again. */
export function submitOnce(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => (sent = false));
}
