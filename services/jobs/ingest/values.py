"""Parses one value on Google's scale of 0 to 100."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

HIGHEST = 100.0
_BELOW_ONE = re.compile(r"(<|＜|&lt;)\s*1")
# Missing values as pandas, R, databases and spreadsheets write them.
_MISSING = frozenset(("", "nan", "-nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "none", "#nv", "#n/d"))
_NOT_FINITE = frozenset(("inf", "infinity"))
_DIRECTION_MARKS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff]")
_DECIMAL = re.compile(
    r"[+-]?(?:(?P<whole>\d{1,20})(?:(?P<mark>[.,٫])(?P<part>\d{1,30})|\.)?|[.,٫]\d{1,30})(?P<power>[eE][+-]?\d{1,3})?",
    re.ASCII,
)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:[\s.,'’٬]\d{2,3})*[\s.,'’٬]\d{3}(?P<tail>[.,٫]\d{0,30})?")


class NotANumber(ValueError):
    """The text does not have the form of a number."""


def read_cell(text: str, decimal_marks: frozenset[str] = frozenset()) -> tuple[float | None, bool]:
    """The value of a cell, None if empty, and whether the cell is `<1`. Raises ValueError with what is wrong.

    `decimal_marks` are those of its column. Without them, "10,500" may be ten and a half or ten thousand.
    """
    cell = _plain(text)
    if is_empty(cell):
        return None, False
    if _BELOW_ONE.fullmatch(cell):
        return 0.5, True
    if _DECIMAL.fullmatch(cell):
        if _is_grouped(cell, decimal_marks):
            return on_scale(float(re.sub("[.,]", "", cell))), False
        return on_scale(float(re.sub("[,٫]", ".", cell))), False
    grouped = _GROUPED.fullmatch(cell)
    if grouped:
        whole = cell.removesuffix(grouped["tail"] or "")
        return on_scale(float(re.sub(r"[^\d+-]", "", whole))), False
    if cell.lstrip("+-").lower() in _NOT_FINITE:
        raise ValueError("is not a finite number")
    if cell.endswith(("%", "٪")):
        raise NotANumber("is not a number; write values without a percent sign")
    raise NotANumber("is not a number")


def decimal_marks(texts: Iterable[str], separator: str = "") -> frozenset[str]:
    """The marks that are certainly decimal marks in some cell of a column; `separator` is that of the columns."""
    marks = set()
    for text in texts:
        cell = _plain(text)
        match = _DECIMAL.fullmatch(cell)
        # Where points group thousands, semicolons separate columns. Thousands that were rounded end in 0.
        precise = match and match["mark"] == "." and separator == "," and not match["part"].endswith("0")
        if match and match["mark"] and (precise or not _may_group(match)):
            marks.add(match["mark"])
        grouped = _GROUPED.fullmatch(cell) if match is None else None
        if grouped and grouped["tail"]:
            marks.add(grouped["tail"][0])
    return frozenset(marks)


def is_empty(text: str) -> bool:
    """Whether a cell is empty or holds a word for a missing value."""
    return text.strip().casefold() in _MISSING


def on_scale(value: float) -> float:
    """The value rounded to four decimals. Raises ValueError if it is not within 0 to 100."""
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    rounded = round(value, 4) + 0.0  # -0.0 becomes 0.0
    if rounded < 0:
        raise ValueError("is negative; values are 0 to 100")
    if rounded > HIGHEST:
        raise ValueError("is above 100; values are 0 to 100")
    return rounded


def _plain(text: str) -> str:
    """The text with ASCII digits and minus sign, without direction marks. Digits such as ² stay as they are."""
    cell = text.strip()
    if not cell.isascii():
        cell = _DIRECTION_MARKS.sub("", cell).replace("−", "-").strip()
        cell = "".join(str(int(c)) if c.isdecimal() else c for c in cell)
    return cell


def _is_grouped(cell: str, known: frozenset[str]) -> bool:
    """Whether the mark in a number groups thousands. Raises ValueError if that is ambiguous."""
    match = _DECIMAL.fullmatch(cell)
    if match is None or not _may_group(match):
        return False
    mark, other = match["mark"], {".": ",", ",": "."}[match["mark"]]
    if (mark in known) != (other in known):
        return other in known
    decimal = f"{float(cell.replace(',', '.')):.4f}"
    raise ValueError(f"is above 100 if “{mark}” groups thousands; if it is the decimal mark, write {decimal}")


def _may_group(match: re.Match[str]) -> bool:
    whole, part = match["whole"] or "", match["part"] or ""
    return match["mark"] in (".", ",") and len(part) == 3 and len(whole) <= 3 and whole[0] != "0" and not match["power"]
