"""The installed Chromium, which Playwright drives: Playwright's own browsers are not in any package registry."""

from __future__ import annotations

import os
import shutil

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = "Chromium is not installed (Debian: apt-get install chromium)"
# Chromium's sandbox does not start for root, as in containers.
ARGUMENTS = ["--no-sandbox"] if os.geteuid() == 0 else []


def program() -> str:
    """The path of the program. Ends the process with a message if it is not installed."""
    if PROGRAM is None:
        raise SystemExit(MISSING)
    return PROGRAM
