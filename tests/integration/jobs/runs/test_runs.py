"""Runs of one job, on real PostgreSQL and with a fake forecaster."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.common.telemetry import trace_context
from services.forecaster.cache.store import GUARDED_WRITE
from services.jobs.domain.forecaster import Generation
from services.jobs.domain.job import MAX_LEASES_AHEAD, ClaimedJob
from services.jobs.postgres.attempts import Attempts
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store, forecasts, succeed
from tests.integration.jobs.running import left_by, refusing, runner


async def test_a_run_makes_its_job_ready(store: Store) -> None:
    job = await store.claimed()
    assert await runner(store, FakeForecaster(succeed)).run(job) is JobStatus.READY
    assert (await store.row(job)).status is JobStatus.READY


async def test_a_run_has_the_trace_of_its_claim_also_in_the_history(store: Store) -> None:
    seen = []

    async def read_trace(job: ClaimedJob) -> Generation:
        seen.append(trace_context.traceparent.get())
        yield forecasts()

    jobs = [await store.claimed(term) for term in ("amazon", "walmart")]
    run = runner(store, FakeForecaster(read_trace)).run
    await asyncio.gather(*(asyncio.create_task(run(job)) for job in jobs))
    history = [await Attempts(store.database).of_job(job.id, limit=1) for job in jobs]
    traces = [attempt.trace_id for attempts in history for attempt in attempts]
    assert traces == [job.trace_id.hex for job in jobs] == [trace.trace_id for trace in seen if trace]
    assert len(set(traces)) == 2


async def test_the_kind_of_a_failure_is_kept(store: Store) -> None:
    error = WarmcastError(errors.UNAVAILABLE, "read-only", metadata={"cacheCause": "read-only"})
    left = await left_by(runner(store, refusing(error)), store)
    [attempt] = await Attempts(store.database).of_job(left.id, limit=9)
    assert left.error_reason == attempt.error_reason == "cache-read-only"
    assert attempt.error == left.last_error == "unavailable: read-only"


async def test_the_first_heartbeat_does_not_renew_a_new_lease(store: Store) -> None:
    leases = []

    async def read_lease(job: ClaimedJob) -> Generation:
        for pause in (0, 0.2):
            await asyncio.sleep(pause)
            yield None
            leases.append((await store.row(job)).lease_expires_at)
        yield forecasts()

    job = await store.claimed()
    first = await store.row(job)
    await runner(store, FakeForecaster(read_lease), replace(POLICY, lease=1)).run(job)
    assert leases[0] == first.lease_expires_at
    assert leases[1] != leases[0]


@pytest.mark.parametrize(
    ("error", "status", "attempts"),
    [
        (WarmcastError(errors.UNAVAILABLE, "away"), JobStatus.QUEUED, 1),
        (WarmcastError(errors.VERIFICATION_FAILED, "damaged"), JobStatus.QUEUED, 1),
        (WarmcastError(errors.INTERNAL, "crashed"), JobStatus.QUEUED, 1),
        (WarmcastError(errors.UNWARMABLE, "bad series"), JobStatus.FAILED, 1),
        (WarmcastError(errors.BUSY, "full", retry_after=7), JobStatus.QUEUED, 0),
        (WarmcastError(errors.UNAVAILABLE, "read-only", metadata={"cacheCause": "read-only"}), JobStatus.QUEUED, 0),
    ],
)
async def test_a_failure_settles_the_job_by_its_reason(
    store: Store, error: WarmcastError, status: JobStatus, attempts: int
) -> None:
    forecaster = refusing(error)
    left = await left_by(runner(store, forecaster), store)
    assert (left.status, left.attempts) == (status, attempts)
    assert left.last_error == f"{error.reason.slug}: {error.detail}"
    # The debugging key is written for failures, not for runs that were not attempted.
    assert bool(forecaster.marks) == (attempts == 1)


async def test_a_fence_above_every_lease_advances_the_lease_sequence(store: Store) -> None:
    forecaster = refusing(WarmcastError(errors.FENCED_OFF, "newer lease", metadata={"leaseId": "5000"}))
    left = await left_by(runner(store, forecaster), store)
    assert (left.status, left.attempts) == (JobStatus.QUEUED, 0)
    await store.execute("UPDATE warmup_jobs SET not_before = NULL")
    assert (await store.claim_one()).lease_id > 5000


@pytest.mark.parametrize(
    "fence", [2**40 + 10, 2**53, 2**62, 2**63 - 1, 10**18, 10**30, "-5", "+7000", "7e3", "٥٠٠٠", ""]
)
async def test_an_implausible_fence_does_not_advance_the_lease_sequence(store: Store, fence: int | str) -> None:
    forecaster = refusing(WarmcastError(errors.FENCED_OFF, "newer lease", metadata={"leaseId": str(fence)}))
    left = await left_by(runner(store, forecaster), store)
    assert (left.status, left.attempts) == (JobStatus.QUEUED, 0)
    await store.execute("UPDATE warmup_jobs SET not_before = NULL")
    assert (await store.claim_one()).lease_id == left.lease_id + 1


async def test_the_highest_fence_that_the_cache_accepts_advances_the_lease_sequence(store: Store) -> None:
    assert f"ahead < 2^{MAX_LEASES_AHEAD.bit_length() - 1} " in GUARDED_WRITE
    job = await store.claimed()
    highest = job.lease_id + MAX_LEASES_AHEAD - 1
    assert not await store.queue.advance_lease_sequence(highest + 1)
    assert await store.queue.advance_lease_sequence(highest)
    await store.queue.hand_back(job, delay=0)
    assert (await store.claim_one()).lease_id == highest + 1


async def test_a_run_without_heartbeats_fails(store: Store) -> None:
    async def freeze(_: ClaimedJob) -> Generation:
        yield None
        await asyncio.Event().wait()

    left = await left_by(runner(store, FakeForecaster(freeze), replace(POLICY, lease=0.2)), store)
    assert (left.status, left.attempts) == (JobStatus.QUEUED, 1)
    assert left.last_error == "unavailable: the forecaster stopped sending heartbeats"


async def test_an_attempt_past_its_deadline_fails_despite_heartbeats(store: Store) -> None:
    async def beat(_: ClaimedJob) -> Generation:
        while True:
            await asyncio.sleep(0.01)
            yield None

    left = await left_by(runner(store, FakeForecaster(beat), replace(POLICY, attempt_deadline=0.3)), store)
    assert left.last_error == "deadline-exceeded: the attempt passed its deadline"


async def test_a_run_that_lost_its_lease_ends_at_the_next_heartbeat(store: Store) -> None:
    ended = asyncio.Event()

    async def beat(job: ClaimedJob) -> Generation:
        try:
            yield None
            await store.queue.cancel(job.id)
            while True:
                yield None
        finally:
            ended.set()

    job = await store.claimed()
    assert await runner(store, FakeForecaster(beat), replace(POLICY, lease=1)).run(job) is None
    assert ended.is_set()
    assert (await store.row(job)).status is JobStatus.CANCELLED
