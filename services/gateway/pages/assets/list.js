// The list of comparisons.

import { localiseTimes } from "./times.js";

localiseTimes();
