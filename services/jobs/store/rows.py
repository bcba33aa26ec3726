"""From rows to the plain Python of the domain."""

from __future__ import annotations

from operator import itemgetter

from psycopg.rows import DictRow

from services.common.comparison import ComparisonKey
from services.jobs.job import Cause, ClaimedJob, SweptJob, WarmupJob
from services.jobs.series import SnapshotRef, SnapshotSeries
from services.jobs.store import statements

_job_values = itemgetter(*statements.COLUMNS.split(", "))


def to_job(row: DictRow) -> WarmupJob:
    """The job of a row that holds statements.COLUMNS."""
    return WarmupJob(*_job_values(row))


def to_claimed_job(row: DictRow) -> ClaimedJob:
    """The job and the snapshot of a row of statements.CLAIM."""
    return ClaimedJob(*(*_job_values(row), to_series(row)))


def to_swept_job(row: DictRow) -> SweptJob:
    """The job of a row that says its cause too."""
    return SweptJob(to_job(row), Cause(row["cause"]))


def to_series(row: DictRow) -> SnapshotSeries:
    """The snapshot of a row that holds statements.SERIES_COLUMNS and what names it."""
    key = ComparisonKey(row["slug"], row["timeframe"], row["geo"])
    return SnapshotSeries(
        ref=SnapshotRef(key, (row["term_a"], row["term_b"]), row["data_hash"]),
        times=tuple(row["times"]),
        values_a=tuple(row["values_a"]),
        values_b=tuple(row["values_b"]),
        partial_last_period=row["partial_last_period"],
        scaled_apart=row["scaled_apart"],
        gaps_filled=row["gaps_filled"],
        source=row["source"],
        as_of=row["as_of"],
    )
