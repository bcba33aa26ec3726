"""The values of the charts for the crosshair, as a JSON data block of the page."""

from __future__ import annotations

import msgspec

from services.gateway.pages.charts.drawing.downsample import downsample
from services.gateway.pages.charts.drawing.svg import Markup
from services.gateway.pages.charts.drawing.times import epoch_seconds, period_words
from services.gateway.pages.charts.inputs import Comparison, Term


class _Values(msgspec.Struct):
    names: tuple[str, str]
    times: list[int]  # epoch seconds
    labels: list[str]  # one per time
    # One per time: a value, null, or value and 80 % band of a forecast.
    terms: tuple[list[float | list[float] | None], list[float | list[float] | None]]


def values_json(comparison: Comparison) -> Markup:
    """Names, times, labels and values; of long series those that the chart draws."""
    kept = sorted({*downsample(comparison.a.values), *downsample(comparison.b.values)})
    ahead = [point.date for point in comparison.a.forecast]
    dates = [comparison.dates[index] for index in kept] + ahead
    times = [epoch_seconds(date) for date in dates]
    values = _Values(
        (comparison.a.name, comparison.b.name),
        times,
        [period_words(time, comparison.step) for time in times],
        (_values(comparison.a, kept), _values(comparison.b, kept)),
    )
    # Nothing in a data block may end its script element.
    return Markup(msgspec.json.encode(values).decode().replace("<", "\\u003c"))


def _values(term: Term, kept: list[int]) -> list[float | list[float] | None]:
    known: list[float | list[float] | None] = [term.values[index] for index in kept]
    return known + [[round(each, 1) for each in (point.value, point.lower80, point.upper80)] for point in term.forecast]
