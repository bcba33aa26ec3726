"""What operators and schedules did, and operations on all that match a filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.common.job_status import JobStatus
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.reports.coverage import CoverageFilter

MAX_MATCHED = 100_000  # rows of one bulk operation
SAMPLE = 20  # rows of a sample
PREPARED_SECONDS = 3600.0  # after which a prepared operation expires
# Attempts at one batch, after which its operation has failed. The pauses between them double: two minutes in all.
MAX_FAILURES = 8
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 60.0

JsonObject = Mapping[str, object]


@dataclass(frozen=True)
class Actor:
    """Who acts, why, and in which request."""

    operator: str  # self-declared name, or `secret`
    reason: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Record:
    """What is recorded of an action, besides its time and the number of jobs changed."""

    actor: Actor
    target: JsonObject  # {"jobId": 7}, {"operationId": 7}, a comparison's key (with "dataHash"), or a filter


@dataclass(frozen=True)
class OperatorAction:
    """One action of an operator. Times are UTC-aware, by PostgreSQL's clock."""

    id: int
    at: datetime
    operator: str
    action: str  # requeue | cancel | run | trigger | warm | abort | import
    target: JsonObject
    reason: str
    count: int  # jobs changed
    request_id: str
    operation_id: int | None  # of a bulk operation
    error: str = ""  # why that failed


class Schedule(StrEnum):
    """What a schedule calls."""

    RUN_WARMUP = "run-warmup"
    SWEEP = "sweep"
    REFRESH = "refresh"
    RETENTION = "retention"


@dataclass(frozen=True)
class Outcome:
    """What one run of a schedule did."""

    count: int  # jobs run, re-queued, enqueued or deleted
    detail: str = ""
    succeeded: bool = True


@dataclass(frozen=True)
class ScheduleRun:
    """One run of a schedule. Times are UTC-aware, by PostgreSQL's clock."""

    schedule: str
    started_at: datetime
    ended_at: datetime
    succeeded: bool
    count: int
    detail: str


class BulkAction(StrEnum):
    """What a bulk operation does to each row."""

    REQUEUE = "requeue"
    CANCEL = "cancel"
    WARM = "warm"


# The jobs that an action can change.
CHANGEABLE = {
    BulkAction.REQUEUE: frozenset(JobStatus) - {JobStatus.RUNNING},
    BulkAction.CANCEL: frozenset({JobStatus.QUEUED, JobStatus.RUNNING}),
}


class BulkState(StrEnum):
    """The state of a bulk operation."""

    PREPARED = "prepared"
    RUNNING = "running"
    DONE = "done"
    ABORTED = "aborted"
    FAILED = "failed"  # a batch failed on every attempt


@dataclass(frozen=True)
class BulkOperation:
    """One bulk operation and its progress. Times are UTC-aware, by PostgreSQL's clock."""

    id: int
    action: BulkAction
    filter: JsonObject
    state: BulkState
    matched: int
    done: int
    skipped: int  # changed since it was prepared
    operator: str  # who confirmed it; until then, who prepared it
    reason: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str = ""  # of the batch that failed last; it is tried again while the operation runs

    def __post_init__(self) -> None:
        object.__setattr__(self, "action", BulkAction(self.action))
        object.__setattr__(self, "state", BulkState(self.state))


@dataclass(frozen=True)
class Batch:
    """One batch of a bulk operation."""

    operation: BulkOperation  # after the batch
    changed: int
    waits: bool = False  # nothing was enqueued, because enough jobs wait


class BatchFailedError(Exception):
    """A batch failed, with its cause, and changed nothing."""

    def __init__(self, operation: BulkOperation) -> None:
        """`operation` is as the failure left it."""
        super().__init__(f"a batch of bulk operation {operation.id} failed")
        self.operation = operation


def described(wanted: JobFilter | CoverageFilter) -> JsonObject:
    """A filter with REST's names of its fields, and ages in seconds; without those that match anything."""
    fields = _of_jobs(wanted) if isinstance(wanted, JobFilter) else _of_comparisons(wanted)
    return {name: value for name, value in fields.items() if value not in (None, False)}


def _of_comparisons(wanted: CoverageFilter) -> JsonObject:
    return {
        "state": wanted.state or None,
        "q": wanted.query or None,
        "tf": wanted.timeframe or None,
        "geo": wanted.geo,
        "requested": wanted.requested,
    }


def _of_jobs(wanted: JobFilter) -> JsonObject:
    return {
        "status": wanted.status,
        "slug": wanted.slug,
        "olderThan": int(wanted.older_than.total_seconds()) if wanted.older_than else None,
        "newerThan": int(wanted.newer_than.total_seconds()) if wanted.newer_than else None,
        "tf": wanted.timeframe,
        "geo": wanted.geo,
        "reason": wanted.reason,
        "errorReason": wanted.error_reason,
        "engineVersion": wanted.engine_version,
    }
