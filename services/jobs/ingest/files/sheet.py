"""Finds the rows of a file that hold its series, and their header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.common.errors import TOO_LARGE, WarmcastError
from services.jobs.ingest.dates.column import looks_like_date
from services.jobs.ingest.limits import MAX_LINES, MAX_WIDTH, check_minimum, quoted, unreadable
from services.jobs.ingest.table import COUNTER_COLUMN, LINES_AFTER
from services.jobs.ingest.values import NotANumber, read_cell

_SEPARATORS = (",", ";", "\t")
# Headings of line numbers, as pandas, R and users write them.
_COUNTERS = ("", "unnamed: 0", "index", "x", "...1", "rowid", "row", "id", "#", "no", "no.", "nr", "nr.", "n°", "№")
_COUNT = re.compile(r"\d+(?:\.0)?")


@dataclass(frozen=True)
class Row:
    """One line of a file, its cells stripped."""

    line: int
    cells: list[str]

    @property
    def blank(self) -> bool:
        """Whether all cells are empty."""
        return not any(self.cells)

    @cached_property
    def dated(self) -> bool:
        """Whether the row begins with a date and has a value after it."""
        return len(self.cells) > 1 and looks_like_date(self.cells[0])

    @property
    def label(self) -> str:
        """Its position, for messages."""
        return f"line {self.line}"


@dataclass(frozen=True)
class Sheet:
    """A header and the rows below it. The first cell of each row is its date."""

    header: Row
    rows: list[Row]
    cleaned: Mapping[str, int]  # what was dropped → how often
    above: tuple[str, ...] = ()  # the lines before the header
    separator: str = ","  # of the columns


def find_sheet(text: str, source: str) -> Sheet:
    """The series in the text of a CSV file. Raises WarmcastError that names the line."""
    rows, counted, separator = _split(text, source)
    above, header, series, ignored = _find_table(rows, source)
    if len(header.cells) > MAX_WIDTH:
        raise WarmcastError(TOO_LARGE, f"{source} has {len(header.cells):,} columns; {MAX_WIDTH:,} is the limit")
    return Sheet(header, series, {LINES_AFTER: ignored, COUNTER_COLUMN: int(counted)}, above, separator)


def _split(text: str, source: str) -> tuple[list[Row], bool, str]:
    """The rows, whether a counter column was dropped, and the separator: the one that gives the most dated rows."""
    readings = {separator: _rows(text, separator, source) for separator in _SEPARATORS}
    separator = max(readings, key=lambda separator: _dated(readings[separator]))
    if _dated(readings[separator]):
        return readings[separator], False, separator
    shifted = {key: [Row(row.line, row.cells[1:]) for row in reading] for key, reading in readings.items()}
    separator = max(shifted, key=lambda separator: _dated(shifted[separator]))
    if not _dated(shifted[separator]):
        raise _no_dates_error(readings.values(), source)
    return _without_counter(readings[separator], shifted[separator], source), True, separator


def _no_dates_error(readings: Iterable[list[Row]], source: str) -> WarmcastError:
    """The error for a file without dated rows. It names the first row that may contain a date of an unknown form."""
    found = (row for rows in readings for row in rows[1:] if row.cells and _may_be_dated(row))
    row = next(found, None)
    return unreadable(
        f"{source} has no dates: no line begins with a date such as 2024-01-07 that values follow, "
        "so it is not an export of interest over time"
        + (f"; if {quoted(row.cells[0])} in {row.label} is a date, write it as 2024-01-31" if row else "")
    )


def _may_be_dated(row: Row) -> bool:
    return any(map(str.isdigit, row.cells[0])) and any(row.cells[1:]) and all(map(_is_value, row.cells[1:]))


def _rows(text: str, separator: str, source: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows = []
    try:
        for cells in reader:
            rows.append(Row(reader.line_num, [_strip(cell) for cell in cells]))
            if len(rows) > MAX_LINES:
                raise WarmcastError(TOO_LARGE, f"{source} has more than {MAX_LINES:,} lines")
    except csv.Error:
        return []  # a cell above the limit of the csv module: another separator, or not a table
    return rows


def _strip(cell: str) -> str:
    """The cell, stripped. The formula ="2025-01-05" (which stops a spreadsheet from converting it) becomes its text."""
    text = cell.strip()
    return text[2:-1].strip() if text.startswith('="') and text.endswith('"') else text


def _dated(rows: Sequence[Row]) -> int:
    return sum(row.dated for row in rows)


def _without_counter(rows: list[Row], rest: list[Row], source: str) -> list[Row]:
    """The rows without their first cells.

    Raises WarmcastError unless the first cells are line numbers as pandas and R write them.
    """
    dated = [row for row, shorter in zip(rows, rest, strict=True) if shorter.dated]
    above = next((row for row in reversed(rows[: rows.index(dated[0])]) if not row.blank), dated[0])
    if all(_COUNT.fullmatch(row.cells[0]) for row in dated):
        if above.cells[0].lower() in _COUNTERS:
            return rest
        if _are_row_names(above, dated):
            return [above if row.line == above.line else row for row in rest]
    raise unreadable(
        f"{source}: the dates are in the second column, after {quoted(above.cells[0])}; move them to the first"
    )


def _are_row_names(above: Row, dated: Sequence[Row]) -> bool:
    """Whether lines are numbered from 1 below a header without a cell for the number, as R's write.table does."""
    width = len(above.cells) + 1
    return all(row.cells[0] == str(number) and len(row.cells) == width for number, row in enumerate(dated, start=1))


def _find_table(rows: list[Row], source: str) -> tuple[tuple[str, ...], Row, list[Row], int]:
    """The lines above the header, the header, the rows of the series, and the number of lines ignored after them."""
    first = next(index for index, row in enumerate(rows) if row.dated)
    above = [row for row in rows[:first] if not row.blank]
    if not above:
        raise unreadable(
            f"{source} has no header: {rows[first].label} is data and no line above it names the terms; add one"
        )
    if len(above) > 1 and _is_index_name(above[-1]) and len(above[-2].cells) == len(above[-1].cells):
        above.pop()
    header = above[-1]
    if _is_data(header, above[:-1]):
        raise unreadable(f"{source}: {header.label}: {quoted(header.cells[0])} is not a date")
    last = max(index for index, row in enumerate(rows) if row.dated)
    series = [row for row in rows[first : last + 1] if not row.blank]
    after = [row for row in rows[last + 1 :] if not row.blank]
    # Without a blank line between, a line with values belongs to the series and its date is wrong. Lines without values
    # are notes, and lines after a blank line are another section.
    if after and not rows[last + 1].blank and _has_values(rows[last + 1], len(header.cells)):
        series, after = [*series, after[0]], after[1:]
    for row in series:
        if not (row.dated or looks_like_date(row.cells[0])):
            raise unreadable(f"{source}: {row.label}: {quoted(row.cells[0])} is not a date")
    check_minimum(source, len(series))
    lines = tuple(", ".join(filter(None, row.cells)) for row in above[:-1])
    return lines, header, series, len(after)


def _is_index_name(row: Row) -> bool:
    """Whether this is the row with the name of the index that pandas writes below its header."""
    return bool(row.cells[0]) and len(row.cells) > 1 and not any(row.cells[1:])


def _is_data(header: Row, above: list[Row]) -> bool:
    """Whether the row above the first date is data with an unreadable date."""
    if len(header.cells) < 2 or not all(_is_value(cell) for cell in header.cells[1:]):
        return False
    headed = bool(above) and len(above[-1].cells) == len(header.cells) and bool(above[-1].cells[1])
    return headed or any(character.isdigit() for character in header.cells[0])


def _has_values(row: Row, width: int) -> bool:
    return len(row.cells) >= width and any(cell and _is_value(cell) for cell in row.cells[1:])


def _is_value(cell: str) -> bool:
    try:
        return not cell or read_cell(cell)[0] is not None
    except ValueError as wrong:
        return not isinstance(wrong, NotANumber)
