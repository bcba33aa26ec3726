"""A comparison as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

from services.gateway.pages import spreadsheet
from services.gateway.pages.comparison.drawn import dates_of
from services.gateway.pages.comparison.facts import Facts
from services.gateway.pages.comparison.forecasts import decode

_BANDS = ("lower80", "upper80", "lower95", "upper95")


def as_csv(facts: Facts) -> bytes:
    """One row a period: history first, then the forecast with its bands."""
    terms = facts.series.comparison.terms
    bands = [f"{term} {band}" for term in terms for band in _BANDS]
    rows: list[list[object]] = [["date", "kind", *terms, *bands]]
    points = facts.series.points
    for index, (date, point) in enumerate(zip(dates_of(facts), points, strict=True)):
        partial = facts.series.partial_last_period and index == len(points) - 1
        rows.append([date, "partial" if partial else "actual", _short(point.value_a), _short(point.value_b)])
    if (decoded := decode(facts.answer.forecasts)) is not None:
        a_bundle, b_bundle = decoded.bundles
        for a, b in zip(a_bundle.points, b_bundle.points, strict=True):
            ends = [_short(getattr(each, band)) for each in (a, b) for band in _BANDS]
            rows.append([a.date, "forecast", _short(a.value), _short(b.value), *ends])
    return spreadsheet.as_csv(rows)


def _short(value: float) -> float:
    """Six digits, and no decimals where there are none."""
    rounded = float(f"{value:g}")
    return int(rounded) if rounded.is_integer() else rounded
