"""Synthetic comparisons, and the memory of a process."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path


def series(number: int) -> dict[str, object]:
    """A synthetic weekly comparison of five years, as JSON."""
    first = date(2021, 1, 3)
    points = [
        {"date": str(first + timedelta(weeks=week)), "values": [30 + (week * 7 + number) % 40, 50 - week % 9]}
        for week in range(261)
    ]
    return {"terms": [f"shop {number}", "market"], "timeframe": "5y", "points": points}


def premium(number: int) -> str:
    """The path of the comparison's premium answer."""
    return f"/api/comparison/premium?slug=market-vs-shop-{number}&tf=5y"


def resident_bytes(pid: int) -> int:
    """Resident memory of a process (Linux)."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
