"""Converts rows to domain objects."""

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
from services.jobs.postgres.sql import claims, edges

_JOB_NAMES = tuple(edges.COLUMNS.split(", "))
_CLAIMED_NAMES = tuple(claims.CLAIMED_COLUMNS.split(", "))
_SERIES_NAMES = tuple(column.split(".")[1] for column in claims.SERIES_COLUMNS.split(", "))
_KEPT = len(ClaimedJob._fields) - 1  # all but the snapshot; the place in the queue follows them
_job_values = itemgetter(*_JOB_NAMES)
_place_values = itemgetter(*(field.name for field in fields(Place)))
_queue_order = itemgetter(*(_CLAIMED_NAMES.index(name) for name in ("priority", "queued_at", "id")))


def to_job(row: DictRow) -> WarmupJob:
    """The job of a row with edges.COLUMNS."""
    return WarmupJob(*_job_values(row))


def to_place(row: DictRow) -> Place | None:
    """The place in the queue of a row with edges.PLACE; None if the job is neither queued nor running."""
    return Place(*_place_values(row)) if row["position"] is not None else None


def to_claimed_jobs(rows: list[TupleRow]) -> tuple[ClaimedJob, ...]:
    """The jobs of the rows of claims.CLAIM in queue order; snapshots are unpacked on first use."""
    # Without claimed jobs there is one row, which only holds the state of the queue.
    claimed = sorted((row for row in rows if row[0] is not None), key=_queue_order)
    return tuple(ClaimedJob._make((*row[:_KEPT], partial(_unpack, row))) for row in claimed)


def to_swept_job(row: DictRow) -> SweptJob:
    """The job and the cause of a row of a sweep."""
    return SweptJob(to_job(row), Cause(row["cause"]))


def to_snapshot(row: DictRow) -> Snapshot:
    """The snapshot of a row with claims.SERIES_COLUMNS and the columns of its key."""
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
    """Both terms' signals from the JSON of a snapshot."""
    return Signals(**stored[0]), Signals(**stored[1])


def _unpack(row: TupleRow) -> Snapshot:
    # Not strict: the columns with the state of the queue follow.
    named = dict(zip(_CLAIMED_NAMES + _SERIES_NAMES, row, strict=False))
    named["times"] = arrays.unpack_times(named["times"])
    for name in ("values_a", "values_b"):
        named[name] = arrays.unpack_floats(named[name])
    return to_snapshot(named)
