// Rows of a list that stay where they are while their content changes.

import { swap } from "./fragment.js";

const PAGE = 50; // rows
const announcer = document.getElementById("announcer");
const newRows = document.getElementById("new-rows");

/** Shows what has changed of a row. */
export function update(row, now) {
  delete row.dataset.left;
  if (row.innerHTML === now.innerHTML) return;
  const cells = document.createDocumentFragment();
  cells.append(...now.cloneNode(true).childNodes);
  swap(row, cells);
}

/** Marks a row that is no longer in the list. */
export function leave(row) {
  if (row.dataset.left) return;
  row.dataset.left = "true";
  const cell = row.querySelector("[data-now]");
  cell.textContent = cell.dataset.now || "matches no longer";
}

/** Offers to show rows that are not on the page; `more`: whether the list has further pages. */
export function offerNew(count, more) {
  const words = count ? `${count}${more && count >= PAGE ? "+" : ""} new` : "";
  if (newRows.textContent !== words && words) announcer.textContent = `${words} in the list`;
  newRows.textContent = words;
  newRows.hidden = !count;
}
