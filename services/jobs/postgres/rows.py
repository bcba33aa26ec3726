"""From rows to the plain Python of the domain."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from operator import itemgetter
from typing import Any

from psycopg.rows import DictRow, TupleRow

from services.jobs.domain.job import Cause, ClaimedJob, SweptJob, WarmupJob
from services.jobs.domain.signals import Signals
from services.jobs.domain.snapshot import Snapshot
from services.jobs.domain.warmup import Place
from services.jobs.postgres.driver import arrays
from services.jobs.postgres.sql import edges

_JOB_NAMES = tuple(edges.COLUMNS.split(", "))
_CLAIMED_NAMES = tuple(edges.CLAIMED_COLUMNS.split(", "))
_SERIES_NAMES = tuple(column.split(".")[1] for column in edges.SERIES_COLUMNS.split(", "))
_KEPT = len(ClaimedJob._fields) - 1  # all but the snapshot; the place in the queue comes after them
_job_values = itemgetter(*_JOB_NAMES)
_place_values = itemgetter(*(field.name for field in fields(Place)))
_queue_order = itemgetter(*(_CLAIMED_NAMES.index(name) for name in ("priority", "queued_at", "id")))


def to_job(row: DictRow) -> WarmupJob:
    """The job of a row that holds edges.COLUMNS."""
    return WarmupJob(*_job_values(row))


def to_place(row: DictRow) -> Place | None:
    """Where the job of a row stands that holds edges.PLACE; None: it is neither queued nor running."""
    return Place(*_place_values(row)) if row["position"] is not None else None


def to_claimed_jobs(rows: list[TupleRow]) -> tuple[ClaimedJob, ...]:
    """The jobs of the rows of edges.CLAIM in queue order; each snapshot is unpacked when it is asked for."""
    # With nothing to claim there is one row, which only says when to look again.
    claimed = sorted((row for row in rows if row[0] is not None), key=_queue_order)
    return tuple(ClaimedJob._make((*row[:_KEPT], partial(_unpack, row))) for row in claimed)


def to_swept_job(row: DictRow) -> SweptJob:
    """The job of a row that says its cause too."""
    return SweptJob(to_job(row), Cause(row["cause"]))


def to_snapshot(row: DictRow) -> Snapshot:
    """The snapshot of a row that holds edges.SERIES_COLUMNS and what names it."""
    return Snapshot(
        slug=row["slug"],
        terms=(row["term_a"], row["term_b"]),
        timeframe=row["timeframe"],
        geo=row["geo"],
        data_hash=row["data_hash"],
        times=tuple(row["times"]),
        values_a=tuple(row["values_a"]),
        values_b=tuple(row["values_b"]),
        partial_last_period=row["partial_last_period"],
        scaled_apart=row["scaled_apart"],
        gaps_filled=row["gaps_filled"],
        source=row["source"],
        as_of=row["as_of"],
    )


def to_signals(stored: list[dict[str, Any]]) -> tuple[Signals, Signals]:  # JSON of two Signals
    """Both terms' signals, as a snapshot keeps them."""
    return Signals(**stored[0]), Signals(**stored[1])


def _unpack(row: TupleRow) -> Snapshot:
    named = dict(
        zip(_CLAIMED_NAMES + _SERIES_NAMES, row, strict=False)
    )  # what a claim says of the queue comes after them
    named["times"] = arrays.unpack_times(named["times"])
    for name in ("values_a", "values_b"):
        named[name] = arrays.unpack_floats(named[name])
    return to_snapshot(named)
