"""Google Trends exports as users download them, or as a spreadsheet saved them again.

Nothing here knows a language: the header is the row above the first one that begins with a date.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.common.errors import TOO_LARGE, UNREADABLE_INPUT, WarmcastError
from services.jobs.ingest.dates.periods import read_periods
from services.jobs.ingest.files.decoding import decode, undecided
from services.jobs.ingest.files.export_name import read_export_name
from services.jobs.ingest.files.header_text import decode_header
from services.jobs.ingest.files.headings import Headings, partial_columns, read_headings
from services.jobs.ingest.files.long_format import is_long, spread
from services.jobs.ingest.files.sheet import Row, Sheet, find_sheet
from services.jobs.ingest.flags import read_flag
from services.jobs.ingest.grid import Grid, fill
from services.jobs.ingest.limits import MAX_BYTES, shown, unreadable
from services.jobs.ingest.places import codes_of, place_of_report
from services.jobs.ingest.table import BELOW_ONE, EMPTY_CELL, EMPTY_ROW, UNDECIDED, Table, counted
from services.jobs.ingest.values import decimal_marks, is_empty, read_cell

_PICK = "; pass term twice to pick two columns, and the others are not read"


def read_trends_csv(
    content: bytes, name: str, *, pick: Sequence[str] = (), geo: str | None = None, charset: str = ""
) -> Table:
    """The table in a CSV file of at most MAX_BYTES; `name` is the file's, for messages.

    Of the columns, those that `pick` may mean are read, all without one. `geo` is the caller's, who may say of
    which place the file is; `charset` is the declared one, if any. Raises WarmcastError: TOO_LARGE past a limit, else
    UNREADABLE_INPUT or INVALID_ARGUMENT that names the line.
    """
    source = shown(name) if name else "the file"
    if len(content) > MAX_BYTES:
        raise WarmcastError(TOO_LARGE, f"{source} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    text, cleaned = decode(content, source, charset)
    sheet = _sheet(text, source, decided=UNDECIDED not in cleaned)
    said = read_export_name(name)
    place, named = place_of_report(sheet.above), said.geo
    if is_long(sheet):
        sheet, named = spread(sheet, source)
    if UNDECIDED in cleaned:
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
        unread=headings.unread,
        partial_last=_partial_last(sheet, rows, source),
        as_of=said.as_of,
    )


def _sheet(text: str, source: str, *, decided: bool) -> Sheet:
    try:
        return find_sheet(text, source)
    except WarmcastError:
        if decided:
            raise
    raise undecided(source)


def _geo(codes: frozenset[str], named: str | None) -> str | None:
    """The one code of a place's name; where it has several, that which the file's name says."""
    return next(iter(codes)) if len(codes) == 1 else named if named in codes else None


def _check_widths(rows: list[Row], width: int, headings: Headings, source: str) -> None:
    # Cells at the end of a row may be missing where nobody reads them; more cells than headings may have shifted.
    needed = max(headings.columns) + 1 if headings.unread else width
    for row in rows:
        if len(row.cells) < needed or any(row.cells[width:]):
            raise unreadable(f"{source}: {row.label} has {len(row.cells)} cells where the header has {width}")


def _without_empty_ends(rows: list[Row], headings: Headings) -> list[Row]:
    """The rows without those at either end that hold a date and no value."""

    def is_full(row: Row) -> bool:
        # Cells at the end of a row may be missing as well.
        return any(not is_empty(row.cells[column]) for column in headings.columns if column < len(row.cells))

    full = [at for at, row in enumerate(rows) if is_full(row)]
    return rows[full[0] : full[-1] + 1] if full else []


def _partial_last(sheet: Sheet, rows: list[Row], source: str) -> bool:
    """Whether a column says that the last period was not over."""
    last = False
    for column in partial_columns(sheet):
        for row in rows:
            try:
                flag = column < len(row.cells) and read_flag(row.cells[column])
            except ValueError as wrong:
                heading = shown(sheet.header.cells[column])
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
                detail := f"{source}: {row.label}, column {shown(term)}: {shown(text, 20)} {wrong}{remedy}",
                fields=(("points", detail),),
            ) from None
        cells.append(value)
        below_one += below
    values, empty = fill(grid, cells, [row.label for row in rows], f"{source}, column {shown(term)}")
    return values, counted({BELOW_ONE: below_one, EMPTY_CELL: empty})
