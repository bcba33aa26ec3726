"""Parses Google Trends exports as downloaded, or as saved again by a spreadsheet.

Independent of the language: the header is the row above the first one that begins with a date.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.common.errors import TOO_LARGE, UNREADABLE_INPUT, WarmcastError
from services.jobs.ingest.dates.periods import read_periods
from services.jobs.ingest.files.decoding import decode, uncertain_charset
from services.jobs.ingest.files.export_name import read_export_name
from services.jobs.ingest.files.header_text import decode_header
from services.jobs.ingest.files.headings import Headings, partial_columns, read_headings
from services.jobs.ingest.files.long_format import is_long_format, pivot
from services.jobs.ingest.files.sheet import Row, Sheet, find_sheet
from services.jobs.ingest.flags import read_flag
from services.jobs.ingest.grid import Grid, fill_gaps
from services.jobs.ingest.limits import MAX_BYTES, quoted, unreadable
from services.jobs.ingest.places import codes_of, report_place
from services.jobs.ingest.table import BELOW_ONE, CHARSET_UNCERTAIN, EMPTY_CELL, EMPTY_ROW, Table, counted
from services.jobs.ingest.values import decimal_marks, is_empty, read_cell

_PICK = "; pass term twice to read two columns only"


def read_trends_csv(
    content: bytes, name: str, *, pick: Sequence[str] = (), geo: str | None = None, charset: str = ""
) -> Table:
    """The table in a CSV file of at most MAX_BYTES.

    `name` is the file's name: it appears in messages and may contain a place and a time. `pick` limits the columns to
    those of its terms. `geo` is the caller's, if given; `charset` is the declared one, if any. Raises WarmcastError:
    TOO_LARGE above a limit, else UNREADABLE_INPUT or INVALID_ARGUMENT that names the line.
    """
    source = quoted(name) if name else "the file"
    if len(content) > MAX_BYTES:
        raise WarmcastError(TOO_LARGE, f"{source} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    text, cleaned = decode(content, source, charset)
    sheet = _sheet(text, source, charset_certain=CHARSET_UNCERTAIN not in cleaned)
    export_name = read_export_name(name)
    place, named = report_place(sheet.above), export_name.geo
    if is_long_format(sheet):
        sheet, named = pivot(sheet, source)
    if CHARSET_UNCERTAIN in cleaned:
        sheet, cleaned = decode_header(sheet, source)
    known = next((each for each in (geo, _geo(place[1], named), named) if each is not None), None)
    headings = read_headings(sheet, source, pick=pick, geo=known.strip().upper() if known else known)
    if headings.place:
        place = headings.place, codes_of(headings.place)
    rows = _without_empty_ends(sheet.rows, headings)
    _check_widths(rows, len(sheet.header.cells), headings, source)
    periods = read_periods([row.cells[0] for row in rows], [row.label for row in rows], source)
    grid, empty_rows = periods.grid, len(sheet.rows) - len(rows)
    rows = [rows[at] for at in periods.kept]
    remedy = _PICK if len(headings.terms) > 2 else ""
    series = [
        _series(heading, rows, grid, source, separator=sheet.separator, remedy=remedy)
        for heading in zip(headings.terms, headings.columns, strict=True)
    ]
    return Table(
        name=source,
        terms=headings.terms,
        geo=_geo(place[1], named) if place[0] else named,
        step=grid.step,
        times=grid.times,
        columns=tuple(values for values, _ in series),
        cleaned=counted(cleaned, sheet.cleaned, headings.cleaned, periods.cleaned, {EMPTY_ROW: empty_rows}),
        cleaned_by_term=tuple(counts for _, counts in series),
        place=place[0],
        other_terms=headings.other_terms,
        partial_last=_partial_last(sheet, rows, source),
        as_of=export_name.as_of,
    )


def _sheet(text: str, source: str, *, charset_certain: bool) -> Sheet:
    try:
        return find_sheet(text, source)
    except WarmcastError:
        if charset_certain:
            raise
    raise uncertain_charset(source)


def _geo(codes: frozenset[str], named: str | None) -> str | None:
    """The code of a place; if its name has several, the one that the file's name has."""
    return next(iter(codes)) if len(codes) == 1 else named if named in codes else None


def _check_widths(rows: list[Row], width: int, headings: Headings, source: str) -> None:
    # Columns that are not read may be missing at the end of a row. More cells than headings may be shifted ones.
    needed = max(headings.columns) + 1 if headings.other_terms else width
    for row in rows:
        if len(row.cells) < needed or any(row.cells[width:]):
            raise unreadable(f"{source}: {row.label} has {len(row.cells)} cells where the header has {width}")


def _without_empty_ends(rows: list[Row], headings: Headings) -> list[Row]:
    """The rows without those at either end that have a date but no value."""

    def is_full(row: Row) -> bool:
        return any(not is_empty(row.cells[column]) for column in headings.columns if column < len(row.cells))

    full = [at for at, row in enumerate(rows) if is_full(row)]
    return rows[full[0] : full[-1] + 1] if full else []


def _partial_last(sheet: Sheet, rows: list[Row], source: str) -> bool:
    """Whether a column says that the last period is partial."""
    last = False
    for column in partial_columns(sheet):
        for row in rows:
            try:
                flag = column < len(row.cells) and read_flag(row.cells[column])
            except ValueError as wrong:
                heading = quoted(sheet.header.cells[column])
                raise unreadable(f"{source}: {row.label}, column {heading}: {wrong}") from None
        last |= flag
    return last


def _series(
    heading: tuple[str, int], rows: list[Row], grid: Grid, source: str, *, separator: str, remedy: str
) -> tuple[tuple[float, ...], dict[str, int]]:
    term, column = heading
    cells: list[float | None] = []
    below_one = 0
    marks = decimal_marks((row.cells[column] for row in rows), separator)
    for row in rows:
        text = row.cells[column]
        try:
            value, below = read_cell(text, marks)
        except ValueError as wrong:
            raise WarmcastError(
                UNREADABLE_INPUT,
                detail := f"{source}: {row.label}, column {quoted(term)}: {quoted(text, 20)} {wrong}{remedy}",
                fields=(("points", detail),),
            ) from None
        cells.append(value)
        below_one += below
    values, empty = fill_gaps(grid, cells, [row.label for row in rows], f"{source}, column {quoted(term)}")
    return values, counted({BELOW_ONE: below_one, EMPTY_CELL: empty})
