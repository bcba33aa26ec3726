// The page of one job.

import { followChanges } from "./changes.js";
import { addCopying } from "./copy.js";

const live = document.getElementById("live");
followChanges(live);
addCopying(live, (text) => (document.getElementById("announcer").textContent = text));
