"""Warmup jobs, and the parameters of their state machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from services.common import errors
from services.common.comparison import ComparisonKey, SnapshotKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.domain.snapshot import Snapshot


class EnqueueReason(StrEnum):
    """Why an episode was started."""

    FIRST_CALL = "first-call"
    REFRESH = "refresh"
    CACHE_LOST = "cache-lost"
    IMPORT = "import"
    BY_HAND = "by-hand"


class Cause(StrEnum):
    """Why a stuck job was re-queued."""

    QUEUED_OVERDUE = "queued-overdue"
    LEASE_EXPIRED = "lease-expired"
    DEADLINE_PASSED = "deadline-passed"
    CACHE_LOST = "cache-lost"


CHANGED_TOO_MANY = "*"  # payload of a change notification that names no job ids

# The lowest runs first. A caller waits for every job except a refresh and those of bulk operations.
PRIORITY = {reason: 10 if reason is EnqueueReason.REFRESH else 0 for reason in EnqueueReason}
BULK_PRIORITY = 5


@dataclass(frozen=True)
class WarmupJob:
    """One row of warmup_jobs. Times are UTC-aware, by PostgreSQL's clock."""

    id: int
    slug: str
    timeframe: str
    geo: str
    data_hash: str
    status: JobStatus
    attempts: int
    last_error: str | None
    debug_id: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    version: int
    reason: str
    priority: int
    queued_at: datetime
    not_before: datetime | None
    lease_id: int
    lease_expires_at: datetime | None
    adopt_above_lease: int
    force: bool
    cooldown_until: datetime | None
    engine_version: str | None
    error_reason: str | None  # of last_error
    holder: str | None  # the process of the last claim
    requeues: int  # rescues, over all episodes

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", JobStatus(self.status))

    @property
    def key(self) -> ComparisonKey:
        """The comparison that it forecasts."""
        return ComparisonKey(self.slug, self.timeframe, self.geo)

    @property
    def snapshot_key(self) -> SnapshotKey:
        """The snapshot that it forecasts."""
        return SnapshotKey(self.slug, self.timeframe, self.geo, self.data_hash)


@dataclass(frozen=True)
class JobChange:
    """A job as a change left it."""

    job_id: int
    key: ComparisonKey
    data_hash: str
    status: JobStatus
    version: int


class Lease(Protocol):
    """Names one run: the job, and the lease that it was claimed under."""

    @property
    def id(self) -> int: ...

    @property
    def lease_id(self) -> int: ...


class ClaimedJob(NamedTuple):
    """A job under a lease of this process. `snapshot` unpacks the series to forecast."""

    id: int
    slug: str
    timeframe: str
    geo: str
    data_hash: str
    attempts: int
    debug_id: str
    lease_id: int
    adopt_above_lease: int
    force: bool
    trace_id: UUID  # of the trace that its run begins or continues
    snapshot: Callable[[], Snapshot]

    @property
    def key(self) -> ComparisonKey:
        """The comparison that it forecasts."""
        return ComparisonKey(self.slug, self.timeframe, self.geo)

    @property
    def snapshot_key(self) -> SnapshotKey:
        """The snapshot that it forecasts."""
        return SnapshotKey(self.slug, self.timeframe, self.geo, self.data_hash)


@dataclass(frozen=True)
class SweptJob:
    """A re-queued job as it is now, and the cause."""

    job: WarmupJob
    cause: Cause


@dataclass(frozen=True)
class Claims:
    """The result of one claim: jobs under a lease of this process, and stuck jobs that it rescued."""

    claimed: tuple[ClaimedJob, ...]
    rescued: tuple[SweptJob, ...]
    seconds_until_due: float | None  # until the next back-off or lease ends; None: there is none


@dataclass(frozen=True)
class QueuePolicy:
    """Parameters of the state machine, in seconds unless noted."""

    lease: float = 15.0
    attempt_deadline: float = 180.0
    max_attempts: int = 5  # count
    backoff_base: float = 2.0
    backoff_cap: float = 60.0
    overdue_after: float = 300.0
    cooldown_transient: float = 300.0  # doubles with each failure
    cooldown_cap: float = 21_600.0
    cooldown_permanent: float = 86_400.0
    promote_after: float = 600.0  # a job of low priority that waited this long gets priority 0
    # A bundle is fresh for 24 h. Each job is refreshed at its own fixed age between these two.
    refresh_earliest: float = 64_800.0
    refresh_latest: float = 82_800.0
    requested_within_days: int = 7


# The most that a restored database can be behind; the same as in services/forecaster/cache/store.py.
MAX_LEASES_AHEAD = 2**40
# Another attempt at the same series fails the same way.
_PERMANENT = frozenset({errors.UNWARMABLE, errors.INVALID_ARGUMENT})
# Not the job's fault: it is handed back and the attempt is not counted.
_UNCOUNTED = frozenset({errors.BUSY, errors.FENCED_OFF})


def is_permanent(error: WarmcastError) -> bool:
    """Whether another attempt at the same snapshot would fail too."""
    return error.reason in _PERMANENT


def is_uncounted(error: WarmcastError) -> bool:
    """Whether the attempt did not start, or failed because of the forecast cache."""
    return error.reason in _UNCOUNTED or errors.CACHE_CAUSE in error.metadata
