"""The page of metrics matches the registered metrics."""

from __future__ import annotations

import subprocess
import sys

from devtools import metrics


def test_the_page_matches_the_metrics() -> None:
    # In a new process, without metrics that other tests register.
    script = "from devtools import metrics; print(metrics.page(), end='')"
    page = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert metrics.PAGE.read_text(encoding="utf-8") == page, "run `make docs`"
    assert "warmcast_jobs_rescued_total" in page
