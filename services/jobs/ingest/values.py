"""One value on Google's scale of 0 to 100."""

from __future__ import annotations

import math
import re

HIGHEST = 100.0
_NUMBER = re.compile(r"[+-]?(\d{1,20}([.,]\d{0,30})?|[.,]\d{1,30})([eE][+-]?\d{1,3})?", re.ASCII)
_BELOW_ONE = re.compile(r"(<|＜|&lt;)\s*1")


def read_cell(text: str) -> tuple[float | None, bool]:
    """The value of a cell, None when it is empty, and whether it said `<1`. Raises ValueError with what is wrong."""
    cell = text.strip()
    if not cell:
        return None, False
    if _BELOW_ONE.fullmatch(cell):
        return 0.5, True
    if _NUMBER.fullmatch(cell):
        return on_scale(float(cell.replace(",", "."))), False
    if cell.lstrip("+-").lower() in ("nan", "inf", "infinity", "#n/a"):
        raise ValueError("is not a finite number")
    raise ValueError("is not a number")


def on_scale(value: float) -> float:
    """The value rounded to the four decimals that are kept. Raises ValueError with what is wrong."""
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    rounded = round(value, 4) + 0.0  # -0.0 becomes 0.0
    if rounded < 0:
        raise ValueError("is negative; values lie between 0 and 100")
    if rounded > HIGHEST:
        raise ValueError("is above 100; values lie between 0 and 100")
    return rounded
