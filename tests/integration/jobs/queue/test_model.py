"""Compares the queue on real PostgreSQL with a small model: any order of calls, crashes and clock jumps.

The clock advances by moving every time in the table back. Limits are so long that the duration of the test does not
matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as check

from services.common.comparison import ComparisonKey
from services.common.job_status import JobStatus
from services.jobs.domain.job import PRIORITY, EnqueueReason
from services.jobs.domain.reports.history import Failure, Outcome
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.queue import Queue
from tests.integration.jobs.conftest import Store, forecasts
from tests.integration.jobs.queue.model import (
    ATTEMPTS,
    COOLDOWN,
    DEADLINE,
    LEASE,
    OVERDUE,
    PAUSE,
    POLICY,
    PROMOTED,
    HeldLease,
    QueueModel,
)

TERMS = ("amazon", "target", "walmart")
Value = TypeVar("Value")


class QueueMachine(RuleBasedStateMachine):
    """Each rule applies the same call to the table and to the model, and compares the results."""

    url: str
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.database = Database(self.url, pool_size=2, wait=10)
        self.run(self.database.open())
        self.store = Store(self.url, self.database, POLICY)
        self.queue = Queue(self.database, POLICY, holder="model", publisher=ChangePublisher(self.database))
        self.model = QueueModel()
        self.clock = 0.0
        self.generation = dict.fromkeys(TERMS, 0)

    def teardown(self) -> None:
        self.run(self.database.close())
        self.loop.close()

    def run(self, call: Coroutine[Any, Any, Value]) -> Value:
        return self.loop.run(call)

    def now(self) -> float:
        """A time after all earlier ones, as that of each statement."""
        self.clock += 0.001
        return self.clock

    @initialize()
    def three_comparisons(self) -> None:
        names = "forecast_records, warmup_attempts, warmup_jobs, comparisons, snapshots, term_pairs"
        self.run(self.store.execute(f"TRUNCATE {names} RESTART IDENTITY"))
        self.snapshots = {term: self.run(self.store.comparison(term)) for term in TERMS}

    @rule(
        term=st.sampled_from(TERMS),
        reason=st.sampled_from(EnqueueReason),
        behind=st.integers(0, 1),
        by_caller=st.booleans(),
    )
    def enqueue(self, term: str, reason: EnqueueReason, behind: int, by_caller: bool) -> None:
        data_hash = self.snapshots[term].data_hash
        job = self.model.jobs.get(data_hash)
        seen = max(0, (job.version if job else 0) - behind)
        now = self.now()
        begins = job is None or (
            seen == job.version
            and (
                job.status is JobStatus.CANCELLED
                or (job.status is JobStatus.FAILED and job.cooldown_until <= now)
                or (job.status is JobStatus.READY and reason in (EnqueueReason.REFRESH, EnqueueReason.CACHE_LOST))
            )
        )
        ready_until = job.completed_at + PAUSE if job is not None and job.status is JobStatus.READY else 0
        if by_caller:
            placed = self.run(self.queue.enqueue_and_place(self.key(term), data_hash, seen_version=seen, reason=reason))
            row = placed[0] if placed else None
        else:
            row = self.run(self.queue.enqueue(self.key(term), data_hash, seen_version=seen, reason=reason))
        assert (row is not None) == begins
        if row is not None:
            held_back = by_caller and ready_until > now
            assert (row.not_before is not None) == held_back
            self.model.begin(row, now, PRIORITY[reason])
            self.model.jobs[data_hash].not_before = ready_until if held_back else 0

    @rule(term=st.sampled_from(TERMS), force=st.booleans())
    def trigger(self, term: str, force: bool) -> None:
        job = self.model.jobs.get(self.snapshots[term].data_hash)
        now = self.now()
        row = self.run(self.queue.trigger(self.key(term), force=force))
        assert (row is None) == (job is not None and job.status is JobStatus.RUNNING and not force)
        if row is not None:
            if job is not None and job.status is JobStatus.RUNNING:
                self.model.end(job, Outcome.SUPERSEDED)
            self.model.begin_by_hand(row, job, now)

    @rule(target=held, limit=st.integers(0, 2))
    def claim(self, limit: int) -> Any:  # the type of `multiple`
        now = self.now()
        waiting = [job for job in self.model.jobs.values() if job.status is JobStatus.QUEUED and job.not_before <= now]
        expected = sorted(waiting, key=lambda job: (job.priority, job.queued_at, job.id))[:limit]
        stuck = self.model.expired(now)
        claims = self.run(self.queue.claim(limit))
        assert [job.id for job in claims.claimed] == [job.id for job in expected]
        assert {swept.job.id for swept in claims.rescued} == {job.id for job in stuck}
        self.model.rescue(stuck, now)
        given_out = max((job.lease_id for job in self.model.jobs.values()), default=0)
        assert len({row.lease_id for row in claims.claimed}) == len(claims.claimed)
        for job, row in zip(expected, claims.claimed, strict=True):
            assert row.lease_id > given_out
            job.status, job.attempts, job.version = JobStatus.RUNNING, job.attempts + 1, job.version + 1
            job.lease_id, job.lease_until, job.deadline = row.lease_id, now + LEASE, now + DEADLINE
            job.not_before = 0
        return multiple(*(HeldLease(row) for row in claims.claimed))

    @rule(held=held)
    def heartbeat(self, held: HeldLease) -> None:
        job, now = self.model.holds(held), self.now()
        assert self.run(self.queue.heartbeat(held.job)) == (job is not None)
        if job is not None:
            job.lease_until = min(now + LEASE, job.deadline)

    @rule(held=held)
    def ready(self, held: HeldLease) -> None:
        job = self.model.holds(held)
        self.now()
        assert self.run(self.queue.ready(held.job, forecasts())) == (job is not None)
        if job is None:
            self.model.refuse(held)
        else:
            self.model.end(job, Outcome.READY)
            job.status, job.version, job.completed_at = JobStatus.READY, job.version + 1, self.clock

    @rule(held=held, permanent=st.booleans())
    def fail(self, held: HeldLease, permanent: bool) -> None:
        job, now = self.model.holds(held), self.now()
        row = self.run(self.queue.fail(held.job, Failure("test", "modelled"), permanent=permanent))
        assert (row is not None) == (job is not None)
        if job is None:
            self.model.refuse(held)
            return
        job.version += 1
        final = permanent or job.attempts >= ATTEMPTS
        self.model.end(job, Outcome.FAILED if final else Outcome.RETRY)
        if final:
            job.status = JobStatus.FAILED
            job.cooldown_until = now + (2 * COOLDOWN if permanent else COOLDOWN)
        else:
            job.status, job.not_before = JobStatus.QUEUED, now

    @rule(held=consumes(held), delay=st.sampled_from([0, 2_000]))
    def hand_back(self, held: HeldLease, delay: int) -> None:
        job, now = self.model.holds(held), self.now()
        row = self.run(self.queue.hand_back(held.job, delay=delay))
        assert (row is not None) == (job is not None)
        if job is not None:
            self.model.end(job, Outcome.HANDED_BACK)
            job.status, job.version = JobStatus.QUEUED, job.version + 1
            job.attempts, job.not_before = job.attempts - 1, now + delay

    @rule(by=st.sampled_from([LEASE + 100, DEADLINE + 100, OVERDUE + 100, COOLDOWN + 100]))
    def time_passes(self, by: int) -> None:
        self.clock += by
        times = ("queued_at", "not_before", "lease_expires_at", "deadline_at", "cooldown_until", "completed_at")
        moved = ", ".join(f"{name} = {name} - make_interval(secs => {by})" for name in times)
        self.run(self.store.execute(f"UPDATE warmup_jobs SET {moved}"))

    @rule()
    def sweep(self) -> None:
        now = self.now()
        stuck = self.model.expired(now)
        overdue = [
            job
            for job in self.model.jobs.values()
            if job.status is JobStatus.QUEUED and max(job.queued_at, job.not_before) < now - OVERDUE
        ]
        swept = self.run(self.queue.sweep())
        assert {each.job.id for each in swept} == {job.id for job in (*stuck, *overdue)}
        self.model.rescue(stuck, now)
        for job in overdue:
            job.version += 1
            if job.queued_at < now - PROMOTED:
                job.priority = 0

    @rule(term=st.sampled_from(TERMS))
    def promote(self, term: str) -> None:
        job = self.model.jobs.get(self.snapshots[term].data_hash)
        if job is not None:
            deferred = job.status is JobStatus.QUEUED and job.priority > 0
            assert (self.run(self.queue.promote_one(job.id)) is not None) == deferred
            if deferred:
                job.priority, job.version = 0, job.version + 1

    @rule(term=st.sampled_from(TERMS))
    def cancel(self, term: str) -> None:
        job = self.model.jobs.get(self.snapshots[term].data_hash)
        if job is None:
            return
        self.now()
        row = self.run(self.queue.cancel(job.id))
        assert (row is not None) == (job.status in (JobStatus.QUEUED, JobStatus.RUNNING))
        if row is not None:
            if job.status is JobStatus.RUNNING:
                self.model.end(job, Outcome.CANCELLED)
            job.status, job.version = JobStatus.CANCELLED, job.version + 1

    @rule(term=st.sampled_from(TERMS))
    def requeue(self, term: str) -> None:
        job = self.model.jobs.get(self.snapshots[term].data_hash)
        if job is None:
            return
        now = self.now()
        rows = self.run(self.queue.requeue(job.id))
        assert bool(rows) == (job.status is not JobStatus.RUNNING)
        for row in rows:
            self.model.begin_by_hand(row, job, now)

    @rule(term=st.sampled_from(TERMS))
    def newer_data(self, term: str) -> None:
        self.generation[term] += 1
        self.now()
        # The fourth equals the first: an import of older data makes the older snapshot current.
        new = self.run(self.store.comparison(term, values=(1, 2, 3, self.generation[term])))
        for job in self.model.jobs.values():
            open_ = job.status in (JobStatus.QUEUED, JobStatus.RUNNING)
            if job.slug == new.slug and job.data_hash != new.data_hash and open_:
                if job.status is JobStatus.RUNNING:
                    self.model.end(job, Outcome.SUPERSEDED)
                job.status, job.version = JobStatus.CANCELLED, job.version + 1
        self.snapshots[term] = new

    @invariant()
    def the_table_is_as_modelled(self) -> None:
        rows = self.run(self.store.execute("SELECT id, status, attempts, version, lease_id, priority FROM warmup_jobs"))
        found = {row["id"]: row for row in rows}
        assert found == {
            job.id: {
                "id": job.id,
                "status": job.status.value,
                "attempts": job.attempts,
                "version": job.version,
                "lease_id": job.lease_id,
                "priority": job.priority,
            }
            for job in self.model.jobs.values()
        }

    @invariant()
    def each_ended_attempt_has_one_row(self) -> None:
        rows = self.run(self.store.execute("SELECT job_id, lease_id, outcome, refused_at FROM warmup_attempts"))
        assert {(row["job_id"], row["lease_id"]): row["outcome"] for row in rows} == self.model.attempts
        assert {(row["job_id"], row["lease_id"]) for row in rows if row["refused_at"]} == self.model.refused

    def key(self, term: str) -> ComparisonKey:
        snapshot = self.snapshots[term]
        return ComparisonKey(snapshot.slug, snapshot.timeframe, snapshot.geo)


@pytest.mark.slow
def test_any_order_of_calls_crashes_and_clock_jumps_matches_the_model(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT 1")  # an unreachable database fails here, not in the machine

    class Machine(QueueMachine):
        url = database_url

    check(
        Machine,
        settings=settings(
            max_examples=100,
            stateful_step_count=40,
            deadline=None,
            # Shrinking on a real database takes longer than reading the steps of the failure.
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
