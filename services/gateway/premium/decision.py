"""The contract's table of premium answers, as one pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.common.job_status import JobStatus


class Bundles(StrEnum):
    """What the cache holds of one snapshot; one bundle alone is missing."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


class Enqueue(StrEnum):
    """Why a call enqueues."""

    FIRST_CALL = "first-call"
    REFRESH = "refresh"
    CACHE_LOST = "cache-lost"


class Served(StrEnum):
    """Whose bundles the answer carries."""

    CURRENT = "current"
    PREVIOUS = "previous"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Row:
    """The job's row as jobs describes it."""

    status: JobStatus
    overdue: bool = False  # stuck, by the database's clock
    cooling_down: bool = False  # failed, and its cool-down has not passed


@dataclass(frozen=True)
class Decision:
    """What the answer says, and whether this call enqueues."""

    status: JobStatus
    served: Served
    stale: bool
    refreshing: bool
    enqueue: Enqueue | None

    @property
    def available(self) -> bool:
        """Whether both bundles of a snapshot are there."""
        return self.served is not Served.NOTHING


def decide(current: Bundles, previous: Bundles, row: Row | None) -> Decision:
    """The answer for the current snapshot's bundles, those of the snapshot before it, and the row (None: no row).

    After an enqueue, the same function with the row that it returned says what to answer.
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
        enqueue=reason if _may_enqueue(row) else None,
    )


def _may_enqueue(row: Row | None) -> bool:
    if row is None:
        return True
    if row.status in (JobStatus.QUEUED, JobStatus.RUNNING):
        return row.overdue
    # A failure that cools down stays as it is, for missing and stale bundles alike: no retry storm.
    return not (row.status is JobStatus.FAILED and row.cooling_down)
