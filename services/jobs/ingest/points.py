"""Parses points from JSON. Dates may have any form that a CSV file may have."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.comparison import clean_term, invalid, term_slug
from services.common.errors import TOO_LARGE, WarmcastError
from services.jobs.ingest.dates.periods import read_periods
from services.jobs.ingest.grid import fill_gaps
from services.jobs.ingest.limits import MAX_LINES, quoted, unreadable
from services.jobs.ingest.table import EMPTY_CELL, EMPTY_ROW, Table, counted
from services.jobs.ingest.values import on_scale

_SOURCE = "the series"


def read_points(terms: Sequence[str], points: Sequence[tuple[str, Sequence[float | None]]]) -> Table:
    """The table of two terms and their points: (date, one value of 0 to 100 for each term, None if unknown).

    Dates must be hourly, daily, weekly or monthly; short gaps are filled. Raises WarmcastError that names the point.
    """
    if len(terms) != 2:
        raise invalid("terms", f"{len(terms)} terms; a comparison has two")
    cleaned = tuple(clean_term(term) for term in terms)
    if term_slug(cleaned[0]) == term_slug(cleaned[1]):
        raise invalid("terms", f"the terms {quoted(cleaned[0])} and {quoted(cleaned[1])} are the same")
    if len(points) > MAX_LINES:
        raise WarmcastError(TOO_LARGE, f"{_SOURCE} holds {len(points)} points; {MAX_LINES:,} is the limit")
    labels = [f"point {number}" for number in range(1, len(points) + 1)]
    rows = [_row(values, cleaned, label) for (_, values), label in zip(points, labels, strict=True)]
    full = [at for at, row in enumerate(rows) if row != [None, None]]
    ends = slice(full[0], full[-1] + 1) if full else slice(0)
    labels, rows = labels[ends], rows[ends]
    periods = read_periods([date for date, _ in points[ends]], labels, _SOURCE)
    grid, labels = periods.grid, [labels[at] for at in periods.kept]
    columns = [fill_gaps(grid, [rows[at][column] for at in periods.kept], labels, _SOURCE) for column in (0, 1)]
    return Table(
        name=_SOURCE,
        terms=cleaned,
        geo=None,
        step=grid.step,
        times=grid.times,
        columns=tuple(values for values, _ in columns),
        cleaned=counted(periods.cleaned, {EMPTY_ROW: len(points) - len(rows)}),
        cleaned_by_term=tuple(counted({EMPTY_CELL: empty}) for _, empty in columns),
    )


def _row(values: Sequence[float | None], terms: Sequence[str], label: str) -> list[float | None]:
    if len(values) != len(terms):
        raise unreadable(f"{label} has {len(values)} values; it needs one for each of the two terms")
    row: list[float | None] = []
    for value, term in zip(values, terms, strict=True):
        try:
            row.append(None if value is None else on_scale(value))
        except ValueError as wrong:
            raise unreadable(f"{label}, {quoted(term)}: {value} {wrong}") from None
    return row
