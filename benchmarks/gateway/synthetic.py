"""Synthetic comparisons, and the memory of a process."""

from __future__ import annotations

import os
import time
from pathlib import Path


def series(number: int) -> dict[str, object]:
    """A synthetic weekly comparison of 104 points, as JSON."""
    day = 86_400
    dates = [time.strftime("%Y-%m-%d", time.gmtime(1_640_995_200 + day + 7 * day * week)) for week in range(104)]
    points = [
        {"date": date, "values": [30 + (week * 7 + number) % 40, 50 - week % 9]} for week, date in enumerate(dates)
    ]
    return {"terms": [f"shop {number}", "market"], "timeframe": "5y", "points": points}


def premium(number: int) -> str:
    """The path of the comparison's premium answer."""
    return f"/api/comparison/premium?slug=market-vs-shop-{number}&tf=5y"


def resident_bytes(pid: int) -> int:
    """Resident memory of a process (Linux)."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
