"""A sample export for readers without a file. Its numbers follow a formula."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache

SAMPLE = "sample.csv"
_WEEKS = 260
_FIRST = date(2021, 1, 3)


@cache
def sample_csv() -> bytes:
    """Five years of two terms with opposite seasons, as Google Trends exports them."""
    rows = [f"{_FIRST + timedelta(weeks=week)},{_summer(week)},{_winter(week)}" for week in range(_WEEKS)]
    head = ["Category: All categories", "", "Week,sample ice cream: (Worldwide),sample hot chocolate: (Worldwide)"]
    return "\n".join([*head, *rows, ""]).encode()


def _summer(week: int) -> int:
    return _rounded(44 + 0.04 * week + 30 * _peak(week, 28) + _wobble(week))


def _winter(week: int) -> int:
    return _rounded(26 + 0.08 * week + 42 * _peak(week, 50) + _wobble(week + 7))


def _peak(week: int, at: int) -> float:
    distance = abs((week - at + 26) % 52 - 26)
    return math.exp(-(distance**2) / 60)


def _wobble(week: int) -> float:
    return 2.5 * math.sin(week * 2.399) + 1.5 * math.sin(week * 0.731)


def _rounded(value: float) -> int:
    return round(min(100, max(0, value)))
