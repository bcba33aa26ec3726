"""Builds the immutable snapshot of a comparison from one or two tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.common.comparison import (
    TIMEFRAMES,
    Step,
    infer_timeframe,
    invalid,
    pair_slug,
    pair_terms,
    parse_geo,
    parse_timeframe,
    term_slug,
)
from services.common.data_hash import data_hash
from services.jobs.domain.snapshot import ImportedData, ImportedSnapshot
from services.jobs.ingest.choice import choose_terms
from services.jobs.ingest.grid import period_start
from services.jobs.ingest.limits import quoted, unreadable
from services.jobs.ingest.places import codes_of
from services.jobs.ingest.table import (
    EMPTY_CELL,
    MISSING_PERIOD,
    PLACE_OF_NAME_OVERRULED,
    PLACE_OVERRULED,
    PLACE_UNKNOWN,
    Table,
    counted,
)

# A series may be in the local time of the easternmost zone.
_MAX_AHEAD_OF_UTC = timedelta(hours=14)


def build_snapshot(
    tables: Sequence[Table],
    *,
    timeframe: str,
    geo: str | None,
    pick: Sequence[str],
    as_of: datetime,
    source: str,
    expected_terms: tuple[str, str] | None,
) -> ImportedSnapshot:
    """The snapshot of one table's two terms, or of two one-term tables joined on their common dates.

    `timeframe` "" infers it. `geo` None takes the header's, else worldwide. `pick` names two terms of several.
    `expected_terms` are those of a known comparison in slug order: the tables must hold them, and their spelling is
    kept. `as_of` (aware) is the time of the data. Raises WarmcastError that names what is wrong.
    """
    choice = choose_terms(tables, pick, expected_terms)
    data = describe(tables, choice.step, choice.times, choice.cleaned, timeframe=timeframe, geo=geo, as_of=as_of)
    terms = pair_terms(*choice.terms)
    in_order = term_slug(choice.terms[0]) < term_slug(choice.terms[1])
    values_a, values_b = choice.values if in_order else choice.values[::-1]
    return ImportedSnapshot(
        slug=pair_slug(*terms),
        terms=terms,
        timeframe=data.timeframe,
        geo=data.geo,
        times=data.times,
        values_a=values_a,
        values_b=values_b,
        partial_last_period=data.partial_last_period,
        scaled_apart=choice.scaled_apart,
        geo_assumed=data.geo_assumed,
        gaps_filled=any(what in (EMPTY_CELL, MISSING_PERIOD) for what, _ in data.cleaned),
        cleaned=data.cleaned,
        source=source,
        as_of=as_of,
        data_hash=data_hash(
            terms=terms,
            timeframe=data.timeframe,
            geo=data.geo,
            times=data.times,
            values_a=values_a,
            values_b=values_b,
            partial_last_period=data.partial_last_period,
            scaled_apart=choice.scaled_apart,
        ),
    )


def describe(
    tables: Sequence[Table],
    step: Step,
    times: tuple[datetime, ...],
    cleaned: Mapping[str, int],
    *,
    timeframe: str,
    geo: str | None,
    as_of: datetime,
) -> ImportedData:
    """What is known of the tables' data whatever terms are chosen.

    `cleaned`: what was cleaned → how often. Other arguments, and errors, as of `build_snapshot`.
    """
    name = _timeframe(timeframe, step, len(times))
    code, place_cleaned = _geo(geo, tables)
    if times[-1] > as_of + _MAX_AHEAD_OF_UTC:
        named = as_of_from_names(tables) == as_of
        raise unreadable(
            f"the last date, {times[-1]:%Y-%m-%dT%H:%M}, is after the time of the data, {as_of:%Y-%m-%dT%H:%M}"
            + (", which is from the file's name; pass asOf, or rename the file" if named else "; pass a later asOf")
        )
    partial = as_of < period_start(times[-1], step, 1) or any(
        table.partial_last and table.times[-1] == times[-1] for table in tables
    )
    return ImportedData(
        timeframe=name,
        geo=code,
        times=times,
        partial_last_period=partial,
        geo_assumed=geo is None and any(table.geo is None for table in tables),
        cleaned=tuple(counted(cleaned, place_cleaned).items()),
        as_of=as_of,
    )


def as_of_from_names(tables: Sequence[Table]) -> datetime | None:
    """The earliest end time in the files' names; None if no name has one."""
    return min((table.as_of for table in tables if table.as_of), default=None)


def _timeframe(given: str, step: Step, points: int) -> str:
    if not given.strip():
        return infer_timeframe(step, points).name
    timeframe = parse_timeframe(given)
    if timeframe.step is not step:
        fitting = " or ".join(name for name, other in TIMEFRAMES.items() if other.step is step)
        raise invalid(
            "tf", f"the timeframe {timeframe.name} is {timeframe.step}, but the data are {step}; pass {fitting}"
        )
    return timeframe.name


def _geo(given: str | None, tables: Sequence[Table]) -> tuple[str, Mapping[str, int]]:
    """The code, and whether the caller's replaced that of the header."""
    if given is not None:
        code = parse_geo(given)
        overruled = [table for table in tables if table.geo is not None and table.geo != code]
        by_name = sum(not table.place for table in overruled)
        unknown = sum(bool(table.place) and table.geo is None and not codes_of(table.place) for table in tables)
        return code, {
            PLACE_OVERRULED: len(overruled) - by_name,
            PLACE_OF_NAME_OVERRULED: by_name,
            PLACE_UNKNOWN: unknown,
        }
    for table in tables:
        if table.place and table.geo is None:
            meanings = sorted(codes_of(table.place))
            why = f"which may be {' or '.join(meanings)}" if meanings else "which is not a known place"
            raise invalid("geo", f"the header of {table.name} names {quoted(table.place)}, {why}; pass geo=")
    return next((table.geo for table in tables if table.geo is not None), ""), {}
