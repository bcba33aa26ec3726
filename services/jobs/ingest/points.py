"""Points as a caller posts them in JSON. Here nothing is guessed: what is odd is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.common.comparison import clean_term, invalid, term_slug
from services.common.errors import TOO_LARGE, WarmcastError
from services.jobs.ingest.dates import period_starts, read_iso
from services.jobs.ingest.grid import fill, lay_out
from services.jobs.ingest.limits import MAX_LINES, MAX_POINTS, check_minimum, shown, unreadable
from services.jobs.ingest.table import MISSING_PERIOD, OLD_PERIODS, Table, counted
from services.jobs.ingest.values import on_scale

_SOURCE = "the series"


def read_points(terms: Sequence[str], points: Sequence[tuple[str, Sequence[float]]]) -> Table:
    """The table of two terms and their points: (ISO 8601 date or date and hour, one value of 0 to 100 per term).

    Dates must ascend in hours, days, weeks or months; a short gap is filled. Raises WarmcastError that names the point.
    """
    if len(terms) != 2:
        raise invalid("terms", f"{len(terms)} terms; a comparison has two")
    cleaned = tuple(clean_term(term) for term in terms)
    if term_slug(cleaned[0]) == term_slug(cleaned[1]):
        raise invalid("terms", f"the terms {shown(cleaned[0])} and {shown(cleaned[1])} are the same")
    if len(points) > MAX_LINES:
        raise WarmcastError(TOO_LARGE, f"{_SOURCE} holds {len(points)} points; {MAX_LINES:,} is the limit")
    check_minimum(_SOURCE, len(points))
    labels = [f"point {number}" for number in range(1, len(points) + 1)]
    times = period_starts([_time(date, label) for (date, _), label in zip(points, labels, strict=True)])
    rows = [_row(values, cleaned, label) for (_, values), label in zip(points, labels, strict=True)]
    whole = lay_out(times, labels, _SOURCE)
    grid, old = whole.newest(MAX_POINTS)
    rows, labels = rows[old:], labels[old:]
    return Table(
        name=_SOURCE,
        terms=cleaned,
        geo=None,
        step=grid.step,
        times=grid.times,
        columns=tuple(fill(grid, [row[column] for row in rows], labels, _SOURCE)[0] for column in (0, 1)),
        cleaned=counted({MISSING_PERIOD: grid.missing, OLD_PERIODS: len(whole.times) - len(grid.times)}),
        cleaned_by_term=({}, {}),
    )


def _time(date: str, label: str) -> datetime:
    time = read_iso(date)
    if time is None:
        raise unreadable(f"{label}: {shown(date)} is not a date; write it as 2024-01-31 or 2024-01-31T05:00:00Z")
    return time


def _row(values: Sequence[float], terms: Sequence[str], label: str) -> list[float]:
    if len(values) != len(terms):
        raise unreadable(f"{label} has {len(values)} values; one for each of the two terms is needed")
    row = []
    for value, term in zip(values, terms, strict=True):
        try:
            row.append(on_scale(value))
        except ValueError as wrong:
            raise unreadable(f"{label}, {shown(term)}: {value} {wrong}") from None
    return row
