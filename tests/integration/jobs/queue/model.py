"""What the queue should do, without a database: the state of each job, and the attempts that ended."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.common.job_status import JobStatus
from services.jobs.domain.job import ClaimedJob, QueuePolicy, WarmupJob
from services.jobs.domain.reports.history import Outcome

LEASE, DEADLINE, OVERDUE, PROMOTED, COOLDOWN, ATTEMPTS = 1_000, 3_000, 5_000, 8_000, 10_000, 3
PAUSE = 60  # after a `ready`, for callers without the secret
POLICY = QueuePolicy(
    lease=LEASE,
    attempt_deadline=DEADLINE,
    max_attempts=ATTEMPTS,
    backoff_base=0,
    overdue_after=OVERDUE,
    promote_after=PROMOTED,
    cooldown_transient=COOLDOWN,
    cooldown_cap=COOLDOWN,
    cooldown_permanent=2 * COOLDOWN,
)
ENDED_BY_ANOTHER = (Outcome.LEASE_EXPIRED, Outcome.DEADLINE_PASSED, Outcome.CANCELLED, Outcome.SUPERSEDED)


@dataclass
class Modelled:
    """The state of one job in the model; times are of the model's clock."""

    id: int
    slug: str
    data_hash: str
    status: JobStatus = JobStatus.QUEUED
    attempts: int = 0
    version: int = 1
    priority: int = 0
    queued_at: float = 0
    not_before: float = 0
    lease_id: int = 0
    lease_until: float = 0
    deadline: float = 0
    cooldown_until: float = 0
    completed_at: float = 0  # of its last `ready`


@dataclass(frozen=True)
class HeldLease:
    """A claim as its runner knows it, also after it was lost."""

    job: ClaimedJob


class QueueModel:
    """The state of the queue. Each method is a step that several calls of the queue have in common."""

    def __init__(self) -> None:
        self.jobs: dict[str, Modelled] = {}  # by data hash
        self.attempts: dict[tuple[int, int], str] = {}  # the outcome by job and lease
        self.refused: set[tuple[int, int]] = set()

    def begin(self, row: WarmupJob, queued_at: float, priority: int) -> None:
        before = self.jobs.get(row.data_hash)
        begun = Modelled(row.id, row.slug, row.data_hash, queued_at=queued_at, priority=priority)
        if before is not None:
            begun = replace(begun, version=before.version + 1, lease_id=before.lease_id)
        self.jobs[row.data_hash] = begun

    def begin_by_hand(self, row: WarmupJob, before: Modelled | None, now: float) -> None:
        """A queued job keeps its place; its delay ends now."""
        if before is None or before.status is not JobStatus.QUEUED:
            self.begin(row, now, 0)
            return
        self.begin(row, before.queued_at, 0)
        self.jobs[row.data_hash].not_before = min(before.not_before, now)

    def end(self, job: Modelled, outcome: Outcome) -> None:
        assert (job.id, job.lease_id) not in self.attempts
        self.attempts[job.id, job.lease_id] = outcome.value

    def refuse(self, held: HeldLease) -> None:
        """A late result is recorded where another ended the attempt."""
        ended = held.job.id, held.job.lease_id
        if self.attempts[ended] in ENDED_BY_ANOTHER:
            self.refused.add(ended)

    def holds(self, held: HeldLease) -> Modelled | None:
        job = self.jobs[held.job.data_hash]
        return job if job.status is JobStatus.RUNNING and job.lease_id == held.job.lease_id else None

    def expired(self, now: float) -> list[Modelled]:
        return [job for job in self.jobs.values() if job.status is JobStatus.RUNNING and job.lease_until <= now]

    def rescue(self, stuck: list[Modelled], now: float) -> None:
        for job in stuck:
            self.end(job, Outcome.DEADLINE_PASSED if job.deadline <= now else Outcome.LEASE_EXPIRED)
            job.version, job.not_before = job.version + 1, now
            job.status = JobStatus.FAILED if job.attempts >= ATTEMPTS else JobStatus.QUEUED
            if job.status is JobStatus.FAILED:
                job.cooldown_until = now + COOLDOWN
