"""Finds the columns that hold terms, those that were picked, and the place after each term.

Independent of the language: a place is the text in brackets after a term's colon.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.common.comparison import clean_term, is_longer, same_term, term_slug
from services.common.errors import TOO_LARGE, UNREADABLE_INPUT, WarmcastError
from services.jobs.ingest.files.sheet import Sheet
from services.jobs.ingest.limits import MAX_COLUMNS, quoted, unreadable
from services.jobs.ingest.places import codes_of, may_be_place
from services.jobs.ingest.table import BRACKETS_KEPT, EMPTY_COLUMN, PARTIAL_COLUMN

_MAX_CELL = 500
# A column of pytrends. pandas adds a number or a mark to it when it merges frames.
_IS_PARTIAL = re.compile(r"is[\s_-]?partial(?:[._](?:\d+|x|y))?", re.IGNORECASE)
_WITH_PLACE = re.compile(r"(?P<term>.+)[:：]\s*[(（](?P<place>.+)[)）]", re.DOTALL)


@dataclass(frozen=True)
class Headings:
    """The columns to read."""

    columns: tuple[int, ...]
    terms: tuple[str, ...]  # cleaned, distinct by slug
    other_terms: tuple[str, ...]  # of the columns that were not picked
    place: str  # from the header; empty if it names none
    cleaned: dict[str, int]


@dataclass(frozen=True)
class _Cell:
    column: int
    text: str
    term: str  # without the brackets
    bracket: str  # the text in brackets
    position: str  # for messages

    def matches(self, pick: str, *, loosely: bool) -> bool:
        if is_longer(self.text, _MAX_CELL):
            return False
        names = {self.term, self.text}
        if loosely:
            return any(same_term(name, pick) for name in names)
        return term_slug(pick) in map(term_slug, names)


def read_headings(sheet: Sheet, source: str, *, pick: Sequence[str], geo: str | None) -> Headings:
    """The terms of the picked columns, or of all without a pick. `geo` is the place if it is known without the header.

    Raises WarmcastError that names the column.
    """
    cells, dropped = _term_cells(sheet, source)
    picked = _picked(cells, pick, geo) if len(pick) == 2 else cells
    if len(picked) > MAX_COLUMNS:
        raise WarmcastError(TOO_LARGE, f"{source} holds {len(picked)} terms; {MAX_COLUMNS} is the limit")
    place = _one_place(picked, pick, geo_given=geo is not None, source=source)
    terms: dict[str, str] = {}
    for cell in picked:
        term = _clean(cell.term if cell.bracket and cell.bracket in place else cell.text, cell.position)
        slug = term_slug(term)
        if slug in terms:
            raise unreadable(
                f"{source}: the header names one term twice, {quoted(terms[slug])} and {quoted(term)}; drop one column"
            )
        terms[slug] = term
        dropped[BRACKETS_KEPT] += bool(cell.bracket and cell.bracket not in place)
    return Headings(
        columns=tuple(cell.column for cell in picked),
        terms=tuple(terms.values()),
        other_terms=tuple(cell.term for cell in cells if cell not in picked),
        place=place[0] if place else "",
        cleaned=dict(dropped),
    )


def partial_columns(sheet: Sheet) -> list[int]:
    """The columns that say whether a period is partial."""
    return [column for column, cell in enumerate(sheet.header.cells) if _IS_PARTIAL.fullmatch(cell)]


def _term_cells(sheet: Sheet, source: str) -> tuple[list[_Cell], Counter[str]]:
    partial, dropped = partial_columns(sheet), Counter[str]()
    dropped[PARTIAL_COLUMN] = len(partial)
    cells = []
    for column, text in enumerate(sheet.header.cells):
        if column == 0 or column in partial:
            continue
        if not text and not any(row.cells[column] for row in sheet.rows if column < len(row.cells)):
            dropped[EMPTY_COLUMN] += 1
            continue
        match = _WITH_PLACE.fullmatch(text) if len(text) <= _MAX_CELL else None
        term, bracket = (match["term"].strip(), match["place"].strip()) if match else (text, "")
        cells.append(_Cell(column, text, term, bracket, f"{source}: {sheet.header.label}, column {column + 1}"))
    if not cells:
        raise unreadable(f"{source}: the header in {sheet.header.label} names no term")
    return cells, dropped


def _picked(cells: list[_Cell], pick: Sequence[str], geo: str | None) -> list[_Cell]:
    """The columns that may match a pick; all if none does.

    `choose_terms` decides later, with both files, which one it is, and refuses a pick without a match.
    """
    groups = []
    for term in pick:
        exact = [cell for cell in cells if cell.matches(term, loosely=False)]
        groups.append(exact or [cell for cell in cells if cell.matches(term, loosely=True)])
    shared = _shared_place(groups, geo)
    wanted = {cell.column for group in groups for cell in group if shared is None or codes_of(cell.bracket) == shared}
    return [cell for cell in cells if cell.column in wanted] or cells


def _shared_place(groups: list[list[_Cell]], geo: str | None) -> frozenset[str] | None:
    """The one place for which both terms have a column; `geo` decides between several. None without such a place."""
    if all(len(group) < 2 for group in groups):
        return None
    first, second = ({codes_of(cell.bracket) for cell in group} for group in groups)
    shared = (first & second) - {frozenset()}
    of_geo = {codes for codes in shared if geo in codes}
    found = of_geo if len(shared) > 1 else shared
    return found.pop() if len(found) == 1 else None


def _one_place(cells: list[_Cell], pick: Sequence[str], *, geo_given: bool, source: str) -> list[str]:
    """The spellings of the one place of the columns. Other text in brackets belongs to its term."""
    brackets = {cell.bracket: codes_of(cell.bracket) for cell in cells if cell.bracket}
    places = {bracket: codes for bracket, codes in brackets.items() if codes}
    if len(set(places.values())) > 1:
        more = (
            "; pass term twice to pick two columns of one place, and geo= if both terms have columns of several"
            if len(cells) > 2
            else ""
        )
        raise _different(list(places), source, more)
    named = {cell.bracket for cell in cells if any(term_slug(cell.text) == term_slug(term) for term in pick)}
    unknown = [bracket for bracket in brackets if bracket not in places and bracket not in named]
    # Google writes a place after every term, so brackets after every term are places.
    if unknown and all(cell.bracket for cell in cells) and all(map(may_be_place, unknown)):
        if len(brackets) > 1:
            raise _different(
                list(brackets), source, "; if they are not places, pass term twice, each with its brackets"
            )
        return unknown
    if unknown and not geo_given:
        detail = (
            f"{source}: the header has {_listed(unknown)} in brackets, which is not a known place; "
            "pass geo=, and the brackets stay part of the term"
        )
        raise WarmcastError(UNREADABLE_INPUT, detail, fields=(("geo", detail),))
    return list(places)


def _different(places: list[str], source: str, remedy: str) -> WarmcastError:
    return unreadable(
        f"{source}: its columns are of different places, {_listed(places)}; a comparison has one place{remedy}"
    )


def _listed(names: list[str]) -> str:
    return " and ".join(map(quoted, names))


def _clean(term: str, position: str) -> str:
    if len(term) > _MAX_CELL:
        raise unreadable(f"{position}: a term is longer than 100 characters")
    try:
        return clean_term(term)
    except WarmcastError as error:
        detail = f"{position}: {error.detail}"
        raise WarmcastError(error.reason, detail, fields=(("term", detail),)) from None
