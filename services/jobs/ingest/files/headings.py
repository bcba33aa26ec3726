"""Which columns of a file hold terms, which of them were picked, and what place stands after each term.

Nothing here knows a language: a place is what stands in brackets after a term's colon.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.common.comparison import clean_term, is_longer, same_term, term_slug
from services.common.errors import TOO_LARGE, UNREADABLE_INPUT, WarmcastError
from services.jobs.ingest.files.sheet import Sheet
from services.jobs.ingest.limits import MAX_COLUMNS, shown, unreadable
from services.jobs.ingest.places import codes_of, may_be_place
from services.jobs.ingest.table import BRACKETS_KEPT, EMPTY_COLUMN, PARTIAL_COLUMN

_MAX_CELL = 500
# A column that pytrends writes beside the terms; pandas numbers or marks those of frames that it merged.
_IS_PARTIAL = re.compile(r"is[\s_-]?partial(?:[._](?:\d+|x|y))?", re.IGNORECASE)
_WITH_PLACE = re.compile(r"(?P<term>.+)[:：]\s*[(（](?P<place>.+)[)）]", re.DOTALL)


@dataclass(frozen=True)
class Headings:
    """The columns to read."""

    columns: tuple[int, ...]
    terms: tuple[str, ...]  # cleaned, distinct by slug
    unread: tuple[str, ...]  # what the header names beside them
    place: str  # the one that the header names; empty if none
    cleaned: dict[str, int]


@dataclass(frozen=True)
class _Cell:
    column: int
    text: str
    term: str  # without the brackets
    bracket: str
    where: str

    def like(self, pick: str, *, loosely: bool) -> bool:
        if is_longer(self.text, _MAX_CELL):
            return False
        names = {self.term, self.text}
        if loosely:
            return any(same_term(name, pick) for name in names)
        return term_slug(pick) in map(term_slug, names)


def read_headings(sheet: Sheet, source: str, *, pick: Sequence[str], geo: str | None) -> Headings:
    """The terms of the columns that were picked, or of all. `geo`: what is known of the place beside the header.

    Raises WarmcastError that names the column.
    """
    cells, dropped = _term_cells(sheet, source)
    picked = _picked(cells, pick, geo) if len(pick) == 2 else cells
    if len(picked) > MAX_COLUMNS:
        raise WarmcastError(TOO_LARGE, f"{source} holds {len(picked)} terms; {MAX_COLUMNS} is the limit")
    place = _one_place(picked, pick, geo_given=geo is not None, source=source)
    terms: dict[str, str] = {}
    for cell in picked:
        term = _clean(cell.term if cell.bracket and cell.bracket in place else cell.text, cell.where)
        slug = term_slug(term)
        if slug in terms:
            raise unreadable(f"{source}: the header names {shown(terms[slug])} and {shown(term)}: one term twice")
        terms[slug] = term
        dropped[BRACKETS_KEPT] += bool(cell.bracket and cell.bracket not in place)
    return Headings(
        columns=tuple(cell.column for cell in picked),
        terms=tuple(terms.values()),
        unread=tuple(cell.term for cell in cells if cell not in picked),
        place=place[0] if place else "",
        cleaned=dict(dropped),
    )


def partial_columns(sheet: Sheet) -> list[int]:
    """The columns that say whether a period was not over."""
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
    """The columns that a pick may mean, all where there is none: which of them it is, or that it is none, is said
    where both files are known."""
    groups = []
    for term in pick:
        exact = [cell for cell in cells if cell.like(term, loosely=False)]
        groups.append(exact or [cell for cell in cells if cell.like(term, loosely=True)])
    shared = _shared_place(groups, geo)
    wanted = {cell.column for group in groups for cell in group if shared is None or codes_of(cell.bracket) == shared}
    return [cell for cell in cells if cell.column in wanted] or cells


def _shared_place(groups: list[list[_Cell]], geo: str | None) -> frozenset[str] | None:
    """The one place, of several in which a term stands, that both terms stand in; `geo` decides between several."""
    if all(len(group) < 2 for group in groups):
        return None
    first, second = ({codes_of(cell.bracket) for cell in group} for group in groups)
    shared = (first & second) - {frozenset()}
    of_geo = {codes for codes in shared if geo in codes}
    found = of_geo if len(shared) > 1 else shared
    return found.pop() if len(found) == 1 else None


def _one_place(cells: list[_Cell], pick: Sequence[str], *, geo_given: bool, source: str) -> list[str]:
    """The spellings of the one place that the columns are of; what else stands in brackets belongs to its term."""
    brackets = {cell.bracket: codes_of(cell.bracket) for cell in cells if cell.bracket}
    places = {bracket: codes for bracket, codes in brackets.items() if codes}
    if len(set(places.values())) > 1:
        more = "; pass term twice, and geo= where they stand in several, to pick two of one" if len(cells) > 2 else ""
        raise _different(list(places), source, more)
    named = {cell.bracket for cell in cells if any(term_slug(cell.text) == term_slug(term) for term in pick)}
    unsure = [bracket for bracket in brackets if bracket not in places and bracket not in named]
    # Google writes a place after every term.
    if unsure and all(cell.bracket for cell in cells) and all(map(may_be_place, unsure)):
        if len(brackets) > 1:
            raise _different(
                list(brackets), source, "; pass term twice, each with its brackets, where they are no places"
            )
        return unsure
    if unsure and not geo_given:
        detail = (
            f"{source}: the header says {_listed(unsure)} in brackets, which is no place that this reader knows; "
            "give geo=, and the brackets stay a part of the term"
        )
        raise WarmcastError(UNREADABLE_INPUT, detail, fields=(("geo", detail),))
    return list(places)


def _different(places: list[str], source: str, remedy: str) -> WarmcastError:
    return unreadable(
        f"{source}: its columns are of different places, {_listed(places)}; a comparison is of one place{remedy}"
    )


def _listed(names: list[str]) -> str:
    return " and ".join(map(shown, names))


def _clean(term: str, where: str) -> str:
    if len(term) > _MAX_CELL:
        raise unreadable(f"{where}: a term is longer than 100 characters")
    try:
        return clean_term(term)
    except WarmcastError as error:
        detail = f"{where}: {error.detail}"
        raise WarmcastError(error.reason, detail, fields=(("term", detail),)) from None
