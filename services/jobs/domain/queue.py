"""The queue as operators and metrics see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.common.job_status import JobStatus
from services.jobs.domain.job import WarmupJob

COUNT_CAP = 10_000  # counts stop here; it means this many or more

JobCursor = tuple[datetime, int]  # created_at and id of the last job of a page


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list; None is any."""

    status: JobStatus | None = None
    slug: str | None = None
    older_than: timedelta | None = None
    newer_than: timedelta | None = None
    timeframe: str | None = None
    geo: str | None = None  # "" is worldwide
    reason: str | None = None  # of the episode
    error_reason: str | None = None  # of the last error
    engine_version: str | None = None  # of the last `ready`


@dataclass(frozen=True)
class JobPage:
    """Jobs of one page, and where the next one starts: after the last job that was examined, None at the end."""

    jobs: list[WarmupJob]
    after: JobCursor | None


@dataclass(frozen=True)
class QueueStatus:
    """Jobs by status, and how long the oldest has waited or run."""

    counts: dict[JobStatus, int]  # up to COUNT_CAP each; settled jobs are those of the last 24 h
    oldest_queued_seconds: float
    oldest_running_seconds: float


@dataclass(frozen=True)
class DatabaseState:
    """How PostgreSQL answers."""

    seconds: float  # duration of a statement that reads no table, with the wait for a connection
    read_only: bool  # it refuses writes


@dataclass(frozen=True)
class QueueDepth:
    """How much waits and for how long, at one moment."""

    due: int
    not_due: int  # queued, but not before a later time
    running: int
    oldest_due_seconds: float
