"""A comparison as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io

from services.gateway.pages.comparison.drawn import dates_of
from services.gateway.pages.comparison.facts import Facts
from services.gateway.pages.comparison.forecasts import decode

_BANDS = ("lower80", "upper80", "lower95", "upper95")
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(facts: Facts) -> bytes:
    """One row a period: history first, then the forecast with its bands. UTF-8 with a byte order mark for Excel."""
    terms = [_text(term) for term in facts.series.comparison.terms]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    bands = [f"{term} {band}" for term in terms for band in _BANDS]
    rows.writerow(["date", "kind", *terms, *bands])
    points = facts.series.points
    for index, (date, point) in enumerate(zip(dates_of(facts), points, strict=True)):
        partial = facts.series.partial_last_period and index == len(points) - 1
        rows.writerow([date, "partial" if partial else "actual", f"{point.value_a:g}", f"{point.value_b:g}"])
    if (decoded := decode(facts.answer.forecasts)) is not None:
        a_bundle, b_bundle = decoded.bundles
        for a, b in zip(a_bundle.points, b_bundle.points, strict=True):
            ends = [f"{getattr(each, band):g}" for each in (a, b) for band in _BANDS]
            rows.writerow([a.date, "forecast", f"{a.value:g}", f"{b.value:g}", *ends])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
