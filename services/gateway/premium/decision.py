"""The table of premium answers (docs/reference/contract.md) as one pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.common.job_status import JobStatus


class Bundles(StrEnum):
    """State of a snapshot's two bundles in the cache; one bundle alone counts as missing."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


class Enqueue(StrEnum):
    """Reason of an enqueue."""

    FIRST_CALL = "first-call"
    REFRESH = "refresh"
    CACHE_LOST = "cache-lost"


class Served(StrEnum):
    """Snapshot whose bundles the answer carries."""

    CURRENT = "current"
    PREVIOUS = "previous"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Row:
    """The job's row, as far as the decision needs it."""

    status: JobStatus
    overdue: bool = False  # by the database's clock
    cooling_down: bool = False  # failed, and its cool-down has not ended
    deferred: bool = False  # queued behind the jobs that callers wait for


@dataclass(frozen=True)
class Decision:
    """Content of the answer, and whether this call enqueues."""

    status: JobStatus
    served: Served
    stale: bool
    refreshing: bool
    enqueue: Enqueue | None

    @property
    def available(self) -> bool:
        """Whether the answer carries forecasts."""
        return self.served is not Served.NOTHING


def decide(current: Bundles, previous: Bundles, row: Row | None) -> Decision:
    """Decides by the current snapshot's bundles, the previous snapshot's bundles, and the job's row (None: no row).

    After an enqueue, call it again with the row that the enqueue returned.
    """
    running = row is not None and row.status in (JobStatus.QUEUED, JobStatus.RUNNING)
    if current is Bundles.FRESH:
        return Decision(JobStatus.READY, Served.CURRENT, stale=False, refreshing=running, enqueue=None)
    if current is Bundles.STALE:
        enqueue = Enqueue.REFRESH if _may_enqueue(row) else None
        return Decision(JobStatus.READY, Served.CURRENT, stale=True, refreshing=running, enqueue=enqueue)

    lost = row is not None and row.status is JobStatus.READY
    started = row is not None and row.status not in (JobStatus.READY, JobStatus.CANCELLED)
    has_previous = previous is not Bundles.MISSING
    reason = Enqueue.CACHE_LOST if lost else Enqueue.FIRST_CALL
    return Decision(
        status=row.status if row is not None and started else JobStatus.QUEUED,
        served=Served.PREVIOUS if has_previous else Served.NOTHING,
        stale=has_previous,
        refreshing=has_previous and running,
        # For a deferred job, the enqueue promotes it: this caller has no current forecasts.
        enqueue=reason if _may_enqueue(row) or (row is not None and row.deferred) else None,
    )


def _may_enqueue(row: Row | None) -> bool:
    if row is None:
        return True
    if row.status in (JobStatus.QUEUED, JobStatus.RUNNING):
        return row.overdue
    # During a cool-down nothing is enqueued, neither for missing nor for stale bundles: no retry storm.
    return not (row.status is JobStatus.FAILED and row.cooling_down)
