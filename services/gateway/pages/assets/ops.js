// A page of the console without keys or a selection of its own.

import { followChanges } from "./changes.js";

const live = document.getElementById("live");
if (live) followChanges(live);
