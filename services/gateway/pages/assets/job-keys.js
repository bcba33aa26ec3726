// Keys of the list of jobs: j k x Enter r c ?. They can be turned off, for readers who speak to their computer.

const STORED = "warmcast job keys";
const dialog = document.getElementById("keys");
const on = document.getElementById("keys-on");

/** Adds the keys. `changed` is called after a key has selected a job or not. */
export function addJobKeys(live, form, changed) {
  const opener = document.getElementById("open-keys");
  if (!opener) return;
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  on.checked = localStorage.getItem(STORED) !== "off";
  on.addEventListener("change", () => localStorage.setItem(STORED, on.checked ? "on" : "off"));

  const links = () => [...live.querySelectorAll('[id^="open-"]')];
  const row = () => document.activeElement?.closest?.("[data-job]");

  function move(step) {
    const all = links();
    const current = all.findIndex((link) => link.closest("tr") === row());
    const next = current < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(current + step, 0), all.length - 1);
    all[next]?.focus();
    all[next]?.scrollIntoView({ block: "nearest" });
  }

  function toggle(checked) {
    const box = row()?.querySelector('input[type="checkbox"]');
    if (!box) return;
    box.checked = checked ?? !box.checked;
    changed();
  }

  function act(action) {
    if (!form) return;
    if (!live.querySelector('input[name^="job-"]:checked')) toggle(true);
    if (form.hidden) return;
    form.reason.focus();
    begin(action);
  }

  // The button that Enter in the reason presses; none once the focus has left the reason.
  function begin(action) {
    form.querySelectorAll("button[value]").forEach((button) => {
      button.classList.toggle("primary", button.value === action);
    });
  }

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    x: () => toggle(),
    r: () => act("requeue"),
    c: () => act("cancel"),
    "?": () => dialog.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest('input:not([type="checkbox"]), select, textarea, dialog');
    if (!on.checked || typing || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  form?.reason.addEventListener("blur", () => begin(""));
  form?.reason.addEventListener("keydown", (event) => {
    // Enter that ends the input of a composed character is none.
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const button = form.querySelector("button.primary");
    if (button) form.requestSubmit(button);
  });
}
