"""Google Trends exports as users download them, or as a spreadsheet saved them again.

Nothing here knows a language: the header is the row above the first one that begins with a date, a place is what
stands in brackets after a term's colon.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from services.common.comparison import clean_term, term_slug
from services.common.errors import TOO_LARGE, UNREADABLE_INPUT, WarmcastError
from services.jobs.ingest.dates import first_unlike, looks_like_date, possible_columns
from services.jobs.ingest.decoding import decode
from services.jobs.ingest.grid import Grid, fill, lay_out
from services.jobs.ingest.limits import MAX_BYTES, MAX_COLUMNS, MAX_POINTS, check_count, shown, unreadable
from services.jobs.ingest.places import codes_of
from services.jobs.ingest.table import (
    BELOW_ONE,
    EMPTY_CELL,
    EMPTY_COLUMN,
    LINES_AFTER,
    MISSING_PERIOD,
    PARTIAL_COLUMN,
    Table,
)
from services.jobs.ingest.values import read_cell

_SEPARATORS = (",", ";", "\t")
_MAX_LINES = 3 * MAX_POINTS  # blank lines and preambles have room beside the points
_MAX_HEADER_CELL = 500
_IS_PARTIAL = "ispartial"  # a column that pytrends writes beside the terms
_WITH_PLACE = re.compile(r"(?P<term>.+)[:：]\s*[(（](?P<place>.+)[)）]", re.DOTALL)


@dataclass(frozen=True)
class _Row:
    line: int
    cells: list[str]

    @property
    def blank(self) -> bool:
        return not any(self.cells)

    @cached_property
    def dated(self) -> bool:
        return len(self.cells) > 1 and looks_like_date(self.cells[0])

    @property
    def label(self) -> str:
        return f"line {self.line}"


def read_trends_csv(content: bytes, name: str) -> Table:
    """The table in a CSV file of at most MAX_BYTES; `name` is the file's, for messages.

    Raises WarmcastError: TOO_LARGE past a limit, else UNREADABLE_INPUT or INVALID_ARGUMENT that names the line.
    """
    source = shown(name) if name else "the file"
    if len(content) > MAX_BYTES:
        raise WarmcastError(TOO_LARGE, f"{source} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    text, cleaned = decode(content, source)
    header, rows, ignored = _find_table(_split(text, source), source)
    columns, dropped = _columns(header, rows, source)
    terms, place = _terms(header, columns, source)
    grid = _grid(rows, source)
    values, cleaned_by_term = [], []
    for term, column in zip(terms, columns, strict=True):
        series, counts = _series(term, column, rows, grid, source)
        values.append(series)
        cleaned_by_term.append(counts)
    codes = codes_of(place)
    return Table(
        name=source,
        terms=terms,
        geo=next(iter(codes)) if len(codes) == 1 else None,
        step=grid.step,
        times=grid.times,
        columns=tuple(values),
        cleaned=_counted(cleaned, dropped, {LINES_AFTER: ignored, MISSING_PERIOD: grid.missing}),
        cleaned_by_term=tuple(cleaned_by_term),
        place=place,
        partial_last=_partial_last(header, rows),
    )


def _split(text: str, source: str) -> list[_Row]:
    """The rows under the separator that gives the most rows that begin with a date."""
    readings = [_rows(text, separator, source) for separator in _SEPARATORS]
    rows = max(readings, key=lambda rows: sum(row.dated for row in rows))
    if not any(row.dated for row in rows):
        raise unreadable(
            f"{source} has no dates: no line begins with a date such as 2024-01-07 that values follow, "
            "so it is not an export of interest over time"
        )
    return rows


def _rows(text: str, separator: str, source: str) -> list[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows = []
    try:
        for cells in reader:
            rows.append(_Row(reader.line_num, [cell.strip() for cell in cells]))
            if len(rows) > _MAX_LINES:
                raise WarmcastError(TOO_LARGE, f"{source} has more than {_MAX_LINES:,} lines")
    except csv.Error:
        return []  # a cell past the csv module's own limit: not the separator, or no table at all
    return rows


def _find_table(rows: list[_Row], source: str) -> tuple[_Row, list[_Row], int]:
    """The header, the rows of the series, and how many lines after it were ignored."""
    first = next(index for index, row in enumerate(rows) if row.dated)
    above = [row for row in rows[:first] if not row.blank]
    if not above:
        raise unreadable(f"{source} has no header: {rows[first].label} is data and no line above it names the terms")
    header = above[-1]
    if _is_data(header, above[:-1]):
        raise unreadable(f"{source}: {header.label}: {shown(header.cells[0])} is not a date")
    last = max(index for index, row in enumerate(rows) if row.dated)
    series = [row for row in rows[first : last + 1] if not row.blank]
    after = [row for row in rows[last + 1 :] if not row.blank]
    # Another section may follow after a blank line; a line that follows at once belongs to the series.
    if after and not rows[last + 1].blank:
        series, after = [*series, after[0]], after[1:]
    for row in series:
        if not looks_like_date(row.cells[0]):
            raise unreadable(f"{source}: {row.label}: {shown(row.cells[0])} is not a date")
    check_count(source, len(series))
    return header, series, len(after)


def _is_data(header: _Row, above: list[_Row]) -> bool:
    """Whether the row above the first date is itself a line of data whose date nobody can read."""
    if len(header.cells) < 2 or not all(_is_value(cell) for cell in header.cells[1:]):
        return False
    headed = bool(above) and len(above[-1].cells) == len(header.cells) and bool(above[-1].cells[1])
    return headed or any(character.isdigit() for character in header.cells[0])


def _is_value(cell: str) -> bool:
    try:
        read_cell(cell)
    except ValueError:
        return False
    return True


def _columns(header: _Row, rows: list[_Row], source: str) -> tuple[list[int], dict[str, int]]:
    """Which columns hold a term, and what was dropped."""
    width = len(header.cells)
    for row in rows:
        if len(row.cells) < width or any(row.cells[width:]):
            raise unreadable(f"{source}: {row.label} has {len(row.cells)} cells where the header has {width}")
    columns, dropped = [], Counter[str]()
    for column in range(1, width):
        cell = header.cells[column]
        if cell.lower() == _IS_PARTIAL:
            dropped[PARTIAL_COLUMN] += 1
        elif not cell and not any(row.cells[column] for row in rows):
            dropped[EMPTY_COLUMN] += 1
        else:
            columns.append(column)
    if not columns:
        raise unreadable(f"{source}: the header in {header.label} names no term")
    if len(columns) > MAX_COLUMNS:
        raise WarmcastError(TOO_LARGE, f"{source} holds {len(columns)} terms; {MAX_COLUMNS} is the limit")
    return columns, dict(dropped)


def _partial_last(header: _Row, rows: list[_Row]) -> bool:
    columns = [column for column, cell in enumerate(header.cells) if cell.lower() == _IS_PARTIAL]
    return any(rows[-1].cells[column].lower() == "true" for column in columns)


def _terms(header: _Row, columns: list[int], source: str) -> tuple[tuple[str, ...], str]:
    """The terms, distinct by slug, and the one place that the header names (empty if none)."""
    terms: dict[str, str] = {}
    places: dict[frozenset[str] | str, str] = {}
    for column in columns:
        term, place = _term(header.cells[column], f"{source}: {header.label}, column {column + 1}")
        if place:
            places.setdefault(codes_of(place) or place.casefold(), place)
        if len(places) > 1:
            raise unreadable(
                f"{source}: its columns are of different places, {' and '.join(map(shown, places.values()))}; "
                "a comparison is of one place"
            )
        slug = term_slug(term)
        if slug in terms:
            raise unreadable(f"{source}: the header names {shown(terms[slug])} and {shown(term)}: one term twice")
        terms[slug] = term
    return tuple(terms.values()), next(iter(places.values()), "")


def _term(cell: str, where: str) -> tuple[str, str]:
    if len(cell) > _MAX_HEADER_CELL:
        raise unreadable(f"{where}: a term is longer than 100 characters")
    match = _WITH_PLACE.fullmatch(cell)
    term, place = (match["term"], match["place"].strip()) if match else (cell, "")
    try:
        return clean_term(term), place
    except WarmcastError as error:
        detail = f"{where}: {error.detail}"
        raise WarmcastError(error.reason, detail, fields=(("term", detail),)) from None


def _grid(rows: list[_Row], source: str) -> Grid:
    """The grid under the one reading of the dates that gives regular steps."""
    cells = [row.cells[0] for row in rows]
    labels = [row.label for row in rows]
    grids: list[Grid] = []
    failures: list[WarmcastError] = []
    for times in possible_columns(cells):
        try:
            grids.append(lay_out(times, labels, source))
        except WarmcastError as error:
            failures.append(error)
    if len(grids) > 1:
        one, other = (f"{grid.step} from {grid.times[0]:%Y-%m-%d} to {grid.times[-1]:%Y-%m-%d}" for grid in grids[:2])
        raise unreadable(
            f"{source}: the dates, {shown(cells[0])} and on, can be read as {one} or as {other}; "
            "write them as 2024-01-31"
        )
    if grids:
        return grids[0]
    if failures:
        raise failures[0]
    odd = first_unlike(cells)
    raise unreadable(f"{source}: {labels[odd]}: {shown(cells[odd])} is not a date of the form that the others have")


def _series(
    term: str, column: int, rows: list[_Row], grid: Grid, source: str
) -> tuple[tuple[float, ...], dict[str, int]]:
    cells: list[float | None] = []
    below_one = 0
    for row in rows:
        text = row.cells[column]
        try:
            value, below = read_cell(text)
        except ValueError as wrong:
            raise WarmcastError(
                UNREADABLE_INPUT,
                detail := f"{source}: {row.label}, column {shown(term)}: {shown(text, 20)} {wrong}",
                fields=(("points", detail),),
            ) from None
        cells.append(value)
        below_one += below
    values, empty = fill(grid, cells, [row.label for row in rows], f"{source}, column {shown(term)}")
    return values, _counted({BELOW_ONE: below_one, EMPTY_CELL: empty})


def _counted(*counts: dict[str, int] | Iterable[tuple[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for count in counts:
        total.update(dict(count))
    return {what: times for what, times in sorted(total.items()) if times}
