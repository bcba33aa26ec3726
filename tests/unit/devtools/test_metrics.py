"""The page of metrics says what is counted."""

from __future__ import annotations

import subprocess
import sys

from devtools import metrics


def test_the_page_is_what_is_counted() -> None:
    # In a process of its own: what other tests register is not the product's.
    script = "from devtools import metrics; print(metrics.page(), end='')"
    page = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert metrics.PAGE.read_text(encoding="utf-8") == page, "run `make docs`"
    assert "warmcast_jobs_rescued_total" in page
