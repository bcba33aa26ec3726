// A page of the console without keys or a selection of its own.

import { followChanges } from "./changes.js";
import { swapParts } from "./fragment.js";

const live = document.getElementById("live");
if (live) followChanges(live, { apply: swapParts });
