"""Chooses the two terms of a comparison from one or two tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.common.comparison import Step, invalid, same_term, term_slug
from services.common.errors import SINGLE_TERM, TERMS_MISMATCH, WarmcastError
from services.jobs.ingest.limits import MIN_POINTS, quoted, unreadable
from services.jobs.ingest.places import codes_of
from services.jobs.ingest.table import NOT_COMMON, Table


@dataclass(frozen=True)
class Choice:
    """Two terms and their series on one grid."""

    terms: tuple[str, str]
    values: tuple[tuple[float, ...], tuple[float, ...]]
    step: Step
    times: tuple[datetime, ...]
    scaled_apart: bool
    cleaned: Mapping[str, int]


def choose_terms(tables: Sequence[Table], pick: Sequence[str], expected: tuple[str, str] | None) -> Choice:
    """The two terms that the caller picked, or the only two of the tables.

    Raises WarmcastError: SINGLE_TERM for one term alone, TERMS_MISMATCH if the terms are not those `expected`, else
    INVALID_ARGUMENT or UNREADABLE_INPUT with what to do.
    """
    if len(pick) not in (0, 2):
        raise invalid("term", f"term was passed {len(pick)} times; pass it twice to pick two terms, or omit it")
    if len(tables) == 1:
        table = tables[0]
        if len(table.terms) == 1 and not table.other_terms:
            raise WarmcastError(
                SINGLE_TERM,
                f"{table.name} holds one term alone, {quoted(table.terms[0], 100)}; a comparison needs two: export "
                "both together, or send a second file with one term and the same step",
                metadata={"term": table.terms[0]},
            )
        choice = _of_one(table, _picked(table, pick, expected))
    elif len(tables) == 2:
        choice = _of_two(tables[0], tables[1])
        if pick:
            _check_pair(choice.terms, pick)
    else:
        raise unreadable(f"{len(tables)} files; send one, or two with one term each")
    return _spelled_as(choice, expected) if expected else choice


def _picked(table: Table, pick: Sequence[str], expected: tuple[str, str] | None) -> tuple[int, int]:
    if pick:
        first, second = (_find(term, table.terms, table.name, table.other_terms) for term in pick)
        if first == second:
            raise invalid("term", f"{quoted(pick[0])} and {quoted(pick[1])} are the same term; pick two")
        return first, second
    if len(table.terms) > 2:
        if expected:
            raise _mismatch(table.terms, expected)
        raise invalid(
            "term",
            f"{table.name} holds {len(table.terms)} terms, {_listed(table.terms)}; pass term twice to pick two of them",
        )
    return 0, 1


def _find(term: str, terms: Sequence[str], source: str, other_terms: Sequence[str] = ()) -> int:
    # Exact matches first: a file may hold both `cote` and `côte`.
    exact = [index for index, other in enumerate(terms) if term_slug(other) == term_slug(term)]
    alike = exact or [index for index, other in enumerate(terms) if same_term(other, term)]
    if len(alike) == 1:
        return alike[0]
    found = "more than one column like" if alike else "no term"
    raise invalid("term", f"{source} holds {found} {quoted(term)}; it holds {_listed([*terms, *other_terms])}")


def _of_one(table: Table, columns: tuple[int, int]) -> Choice:
    first, second = columns
    cleaned = Counter(table.cleaned)
    for column in columns:
        cleaned.update(table.cleaned_by_term[column])
    return Choice(
        terms=(table.terms[first], table.terms[second]),
        values=(table.columns[first], table.columns[second]),
        step=table.step,
        times=table.times,
        scaled_apart=False,
        cleaned=cleaned,
    )


def _of_two(one: Table, other: Table) -> Choice:
    for table in (one, other):
        if len(table.terms) > 1:
            raise unreadable(
                f"{table.name} holds {len(table.terms)} terms; each of two files must hold one term; else send one file"
            )
    if term_slug(one.terms[0]) == term_slug(other.terms[0]):
        raise unreadable(f"{one.name} and {other.name} hold the same term, {quoted(one.terms[0])}")
    if one.step is not other.step:
        raise unreadable(f"{one.name} is {one.step}, {other.name} is {other.step}; two files must have the same step")
    if not _one_place(one, other):
        raise unreadable(f"{one.name} is of {_place(one)}, {other.name} of {_place(other)}; both must be of one place")
    common = sorted(set(one.times) & set(other.times))
    if len(common) < MIN_POINTS:
        raise unreadable(
            f"{one.name} ({_span(one)}) and {other.name} ({_span(other)}) have {len(common)} dates in common; "
            f"{MIN_POINTS} or more are needed"
        )
    cleaned = Counter({NOT_COMMON: len(one.times) + len(other.times) - 2 * len(common)})
    for table in (one, other):
        cleaned.update(table.cleaned)
        cleaned.update(table.cleaned_by_term[0])
    kept = [dict(zip(table.times, table.columns[0], strict=True)) for table in (one, other)]
    return Choice(
        terms=(one.terms[0], other.terms[0]),
        values=(tuple(kept[0][time] for time in common), tuple(kept[1][time] for time in common)),
        step=one.step,
        times=tuple(common),
        scaled_apart=True,
        cleaned=cleaned,
    )


def _one_place(one: Table, other: Table) -> bool:
    codes = [codes_of(table.place) if table.geo is None else {table.geo} for table in (one, other)]
    unknown = any(table.geo is None and not table.place for table in (one, other))
    return unknown or one.place.casefold() == other.place.casefold() != "" or bool(codes[0] & codes[1])


def _place(table: Table) -> str:
    return quoted(table.place or table.geo or "Worldwide")


def _check_pair(terms: tuple[str, str], pick: Sequence[str]) -> None:
    found = {_find(term, terms, "the pair of files") for term in pick}
    if len(found) < 2:
        raise invalid("term", f"{quoted(pick[0])} and {quoted(pick[1])} are the same term; pick two")


def _spelled_as(choice: Choice, expected: tuple[str, str]) -> Choice:
    """The choice with the spelling of the known comparison. Terms are assigned in the order that differs least."""
    ways = (expected, expected[::-1])
    straight, crossed = (_distance(choice.terms, way) for way in ways)
    if straight == crossed:
        if straight == _NO_MATCH:
            raise _mismatch(choice.terms, expected)
        detail = (
            f"each of {_listed(choice.terms)} may be either of {_listed(expected)}; write the terms as the comparison "
            "spells them"
        )
        raise WarmcastError(TERMS_MISMATCH, detail, fields=(("slug", detail),))
    return replace(choice, terms=ways[straight > crossed])


_NO_MATCH = 9  # above the distance of any two pairs that match


def _distance(terms: Sequence[str], others: Sequence[str]) -> int:
    """How many of two terms are spelled differently; _NO_MATCH if one is another term."""
    if not all(map(same_term, terms, others)):
        return _NO_MATCH
    return sum(term_slug(one) != term_slug(other) for one, other in zip(terms, others, strict=True))


def _mismatch(terms: Sequence[str], expected: tuple[str, str]) -> WarmcastError:
    detail = f"the data are about {_listed(terms)}, but the comparison is of {_listed(expected)}"
    return WarmcastError(TERMS_MISMATCH, detail, fields=(("slug", detail),))


def _listed(terms: Sequence[str]) -> str:
    names = [quoted(term) for term in terms]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _span(table: Table) -> str:
    return f"{table.times[0]:%Y-%m-%d} to {table.times[-1]:%Y-%m-%d}"
