"""Reads the long format of gtrendsR: one line for each date and keyword, with its hits, place and kind of search."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.comparison import parse_geo
from services.common.errors import TOO_LARGE, WarmcastError
from services.jobs.ingest.files.sheet import Row, Sheet
from services.jobs.ingest.limits import MAX_WIDTH, quoted, unreadable

_WORLD = "world"  # gtrendsR's name for worldwide


def is_long_format(sheet: Sheet) -> bool:
    """Whether the header is that of gtrendsR."""
    return {"hits", "keyword"} <= _columns(sheet).keys()


def pivot(sheet: Sheet, source: str) -> tuple[Sheet, str | None]:
    """The sheet with one column for each keyword, and the geo of all lines, None if they have none.

    Raises WarmcastError if the lines have several places or kinds of search, or a date and keyword twice.
    """
    columns = _columns(sheet)
    width = len(sheet.header.cells)
    for row in sheet.rows:
        if len(row.cells) < width:
            raise unreadable(f"{source}: {row.label} has {len(row.cells)} cells where the header has {width}")
    for name in ("geo", "gprop", "category"):
        _check_one(sheet.rows, columns.get(name), name, source)
    keyword, hits = columns["keyword"], columns["hits"]
    keywords = list(dict.fromkeys(row.cells[keyword] for row in sheet.rows))
    if len(keywords) > MAX_WIDTH:
        raise WarmcastError(TOO_LARGE, f"{source} holds {len(keywords):,} keywords; {MAX_WIDTH:,} is the limit")
    position = {word: at for at, word in enumerate(keywords, start=1)}
    wide: dict[str, Row] = {}
    seen: set[tuple[str, str]] = set()
    for row in sheet.rows:
        date, word = row.cells[0], row.cells[keyword]
        if (date, word) in seen:
            raise unreadable(
                f"{source}: {row.label} repeats {quoted(date)} for {quoted(word)}; remove one of the two lines"
            )
        seen.add((date, word))
        cells = wide.setdefault(date, Row(row.line, [date, *[""] * len(keywords)])).cells
        cells[position[word]] = row.cells[hits]
    header = Row(sheet.header.line, [sheet.header.cells[0], *keywords])
    return Sheet(header, list(wide.values()), sheet.cleaned, separator=sheet.separator), _geo(sheet.rows[0], columns)


def _columns(sheet: Sheet) -> dict[str, int]:
    return {cell.lower(): column for column, cell in enumerate(sheet.header.cells) if column}


def _check_one(rows: Sequence[Row], column: int | None, name: str, source: str) -> None:
    values = list(dict.fromkeys(row.cells[column] for row in rows)) if column else []
    if len(values) > 1:
        raise unreadable(
            f"{source}: its lines have more than one {name}, {quoted(values[0])} and {quoted(values[1])}; "
            "a comparison has one, so keep the lines of one"
        )


def _geo(row: Row, columns: dict[str, int]) -> str | None:
    name = row.cells[columns["geo"]] if "geo" in columns else ""
    if not name:
        return None
    try:
        return "" if name.lower() == _WORLD else parse_geo(name)
    except WarmcastError:
        return None
