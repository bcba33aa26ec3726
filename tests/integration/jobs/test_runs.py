"""Runs, the dispatcher that starts them, and the sweep, against real PostgreSQL and a forecaster under control."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.forecaster.cache.store import GUARDED_WRITE
from services.jobs.application import dispatcher as dispatcher_module
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.runner import Runner
from services.jobs.application.sweeper import Sweeper
from services.jobs.domain.forecaster import ForecasterInfo, Generation
from services.jobs.domain.job import MAX_LEASES_AHEAD, Cause, ClaimedJob, Claims, WarmupJob
from services.jobs.postgres.driver.connection import run
from services.jobs.postgres.queue import Queue
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store, forecasts, succeed
from tests.integration.jobs.running import dispatching, left_by, listening, refusing, runner, settled
from tests.waiting import wait_until_async


async def test_a_run_makes_its_job_ready(store: Store) -> None:
    job = await store.claimed()
    assert await runner(store, FakeForecaster(succeed)).run(job) is JobStatus.READY
    assert (await store.row(job)).status is JobStatus.READY


async def test_the_first_heartbeat_does_not_renew_a_new_lease(store: Store) -> None:
    leases = []

    async def look(job: ClaimedJob) -> Generation:
        for pause in (0, 0.2):
            await asyncio.sleep(pause)
            yield None
            leases.append((await store.row(job)).lease_expires_at)
        yield forecasts()

    job = await store.claimed()
    first = await store.row(job)
    await runner(store, FakeForecaster(look), replace(POLICY, lease=1)).run(job)
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
    # Its debugging key is written for failures, not for what was never tried.
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


async def test_an_enqueue_wakes_the_dispatcher_at_once(store: Store) -> None:
    async with dispatching(store, FakeForecaster(succeed), poll=60):
        job = await store.queued()
        # The poll comes after 42 s at the earliest; only the notification is that fast.
        await wait_until_async(settled(store, job, JobStatus.READY), 10, "the job is ready")


async def test_a_pass_survives_any_error_of_the_queue(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        """Fails once with an unexpected error, then works."""

        failures = 3

        def __getattr__(self, name: str) -> Any:
            return getattr(store.queue, name)

        async def claim(self, limit: int) -> Claims:
            if self.failures:
                self.failures -= 1
                raise psycopg.errors.InternalError_("unforeseen")
            return await store.queue.claim(limit)

    forecaster = FakeForecaster(succeed)
    dispatcher = Dispatcher(Broken(), runner(store, forecaster), forecaster, poll=0.05)
    task = asyncio.create_task(dispatcher.dispatch())
    job = await store.queued()
    await wait_until_async(settled(store, job, JobStatus.READY), 10, "the job is ready")
    assert "unforeseen" in capsys.readouterr().out
    await dispatcher.drain(5)
    await asyncio.wait_for(task, 5)


async def test_the_poll_finds_jobs_without_a_notification(store: Store) -> None:
    async with dispatching(store, FakeForecaster(succeed), poll=0.1, listen=False):
        job = await store.queued()
        await wait_until_async(settled(store, job, JobStatus.READY), 10, "the job is ready")


async def test_the_sweep_recovers_from_a_lost_wake_up(store: Store) -> None:
    forecaster = FakeForecaster(succeed)
    heard: list[bool] = []
    lost = True

    def wake() -> None:
        heard.append(lost)
        if not lost:
            dispatcher.wake()

    async with dispatching(store, forecaster, poll=3600, listen=False) as dispatcher, listening(store, wake):
        # The first pass is over, and so is the wake-up of the new listener: from now on only a notification counts.
        await wait_until_async(_is(lambda: dispatcher.passes == 1 and len(heard) >= 1), 10, "all is quiet")
        job = await store.queued()
        await wait_until_async(_is(lambda: len(heard) >= 2), 10, "the wake-up that is lost")
        await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '6 min'")
        lost = False
        swept = await Sweeper(store.queue, store.listings, forecaster).sweep()
        assert [each.cause for each in swept.requeued] == [Cause.QUEUED_OVERDUE]
        await wait_until_async(settled(store, job, JobStatus.READY), 10, "the job is ready")


async def test_a_slot_freed_during_a_claim_is_filled_at_once(store: Store) -> None:
    release, third_runs = asyncio.Event(), asyncio.Event()
    await store.queued("first")

    async def hold(job: ClaimedJob) -> Generation:
        """The first ends during the second's claim, and the second only once the third runs beside it."""
        yield None
        if "first" in job.slug:
            await release.wait()
        elif "second" in job.slug:
            await third_runs.wait()
        else:
            third_runs.set()
        yield forecasts()

    class EndsARunMeanwhile:
        """A queue whose claim of one slot takes until the run in the other has ended."""

        async def claim(self, limit: int) -> Claims:
            claims = await store.queue.claim(limit)
            if limit == 1 and not release.is_set():
                release.set()
                await wait_until_async(_is(lambda: dispatcher.running == 0), 10, "the first run ended")
            return claims

        async def promote(self) -> int:
            return 0

        async def job(self, job_id: int) -> WarmupJob | None:
            return await store.queue.job(job_id)

    forecaster = FakeForecaster(hold, slots=2)
    dispatcher = Dispatcher(EndsARunMeanwhile(), runner(store, forecaster), forecaster, poll=3600)
    task = asyncio.create_task(dispatcher.dispatch())
    await wait_until_async(_is(lambda: dispatcher.passes >= 1), 10, "the first run began")
    others = [await store.queued(term) for term in ("second", "third")]
    dispatcher.wake()  # one notification for both, and no poll for an hour
    for job in others:
        await wait_until_async(settled(store, job, JobStatus.READY), 10, "both ran")
    await dispatcher.drain(5)
    await asyncio.wait_for(task, 5)


async def test_concurrent_runs_are_limited_to_the_slots_of_the_forecaster(store: Store) -> None:
    release, most, now = asyncio.Event(), 0, 0

    async def hold(_: ClaimedJob) -> Generation:
        nonlocal most, now
        now += 1
        most = max(most, now)
        yield None
        await release.wait()
        now -= 1
        yield forecasts()

    jobs = [await store.queued(f"term {number}") for number in range(5)]
    async with dispatching(store, FakeForecaster(hold, slots=2)) as dispatcher:
        await wait_until_async(_is(lambda: dispatcher.running == 2), 10, "two run")
        release.set()
        for job in jobs:
            await wait_until_async(settled(store, job, JobStatus.READY), 10, "all are ready")
    assert most == 2


async def test_drain_hands_back_runs_that_do_not_end_in_time(store: Store) -> None:
    async def hold(_: ClaimedJob) -> Generation:
        yield None
        await asyncio.Event().wait()

    job = await store.queued()
    async with dispatching(store, FakeForecaster(hold)) as dispatcher:
        await wait_until_async(_is(lambda: dispatcher.running == 1), 10, "it runs")
        await dispatcher.drain(0.05)
        left = await store.row(job)
        assert (left.status, left.attempts) == (JobStatus.QUEUED, 0)


async def test_drain_hands_back_jobs_of_a_claim_in_progress(store: Store) -> None:
    async def hold(_: ClaimedJob) -> Generation:
        yield None
        await asyncio.Event().wait()

    job = await store.queued()
    forecaster = FakeForecaster(hold)
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=3600)
    async with store.database.transaction() as connection:
        # The claim waits for this lock; what it brings comes after the drain has begun.
        await run(connection, "LOCK TABLE warmup_jobs IN ACCESS EXCLUSIVE MODE")
        task = asyncio.create_task(dispatcher.dispatch())
        await wait_until_async(store.waiting, 10, "the claim is under way")
        draining = asyncio.create_task(dispatcher.drain(1))
        await wait_until_async(_is(lambda: dispatcher._draining), 10, "the drain has begun")
    await asyncio.wait_for(asyncio.gather(task, draining), 10)
    left = await store.row(job)
    assert (left.status, left.attempts) == (JobStatus.QUEUED, 0)


async def test_run_now_returns_the_row_when_the_lease_was_lost(store: Store) -> None:
    async def cancelled_meanwhile(job: ClaimedJob) -> Generation:
        await store.queue.cancel(job.id)
        yield forecasts()

    await store.queued()
    forecaster = FakeForecaster(cancelled_meanwhile)
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=60)
    assert [job.status for job in await dispatcher.run_now(1)] == [JobStatus.CANCELLED]


async def test_run_now_returns_jobs_that_a_drain_handed_back(store: Store) -> None:
    async def hold(_: ClaimedJob) -> Generation:
        yield None
        await asyncio.Event().wait()

    await store.queued()
    forecaster = FakeForecaster(hold)
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=60)
    call = asyncio.create_task(dispatcher.run_now(1))
    await wait_until_async(_is(lambda: dispatcher.running == 1), 10, "it runs")
    await dispatcher.drain(0.05)
    assert [(job.status, job.attempts) for job in await call] == [(JobStatus.QUEUED, 0)]


async def test_run_now_runs_at_most_the_requested_number_when_results_cannot_be_read(store: Store) -> None:
    class Mute(Queue):
        async def job(self, job_id: int) -> WarmupJob | None:
            raise WarmcastError(errors.UNAVAILABLE, "away")

    for number in range(2):
        await store.queued(f"term {number}")
    forecaster = FakeForecaster(succeed)
    queue = Mute(store.database, POLICY, holder="mute", publisher=store.publisher)
    dispatcher = Dispatcher(queue, Runner(queue, forecaster, POLICY), forecaster, poll=60)
    with pytest.raises(WarmcastError, match="runs: 1; their results cannot be read"):
        await dispatcher.run_now(1)
    assert len(forecaster.ran) == 1


async def test_run_now_is_refused_while_this_process_shuts_down(store: Store) -> None:
    await store.queued()
    dispatcher = Dispatcher(store.queue, runner(store, FakeForecaster(succeed)), FakeForecaster(succeed), poll=60)
    await dispatcher.drain(1)
    with pytest.raises(WarmcastError, match="shutting down; nothing was claimed"):
        await dispatcher.run_now(1)


async def test_run_now_runs_in_queue_order_even_if_its_caller_disconnects(store: Store) -> None:
    jobs = [await store.queued(f"term {number}") for number in range(3)]
    forecaster = FakeForecaster(succeed)
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=60)
    call = asyncio.create_task(dispatcher.run_now(2))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await wait_until_async(settled(store, jobs[1], JobStatus.READY), 10, "both ran")
    assert forecaster.ran == [jobs[0].id, jobs[1].id]
    assert (await store.row(jobs[2])).status is JobStatus.QUEUED


async def test_run_now_respects_the_slots(store: Store) -> None:
    most, now = 0, 0

    async def compute(_: ClaimedJob) -> Generation:
        nonlocal most, now
        now += 1
        most = max(most, now)
        yield None
        await asyncio.sleep(0.01)
        now -= 1
        yield forecasts()

    for number in range(8):
        await store.queued(f"term {number}")
    forecaster = FakeForecaster(compute, slots=2)
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=60)
    calls = await asyncio.gather(*(dispatcher.run_now(2) for _ in range(4)))
    assert [[job.status for job in ran] for ran in calls] == [[JobStatus.READY] * 2] * 4
    assert most == 2


async def test_run_now_waits_for_a_forecaster_that_is_being_replaced(store: Store) -> None:
    await store.queued()
    forecaster = FakeForecaster(succeed, slots=0)
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=60)
    call = asyncio.create_task(dispatcher.run_now(1))
    await wait_until_async(_is(lambda: dispatcher._waiting_for_slot == 1), 10, "the run waits")
    forecaster.slots = 1
    dispatcher.wake()
    assert [job.status for job in await asyncio.wait_for(call, 10)] == [JobStatus.READY]


async def test_run_now_fails_without_a_free_slot_in_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hold(_: ClaimedJob) -> Generation:
        yield None
        await asyncio.Event().wait()

    monkeypatch.setattr(dispatcher_module, "_WAIT_FOR_SLOT", 0.05)
    monkeypatch.setattr(dispatcher_module, "_CHECK_SLOTS_EVERY", 0.01)
    jobs = [await store.queued(f"term {number}") for number in range(2)]
    async with dispatching(store, FakeForecaster(hold, slots=1)) as dispatcher:
        await wait_until_async(_is(lambda: dispatcher.running == 1), 10, "the slot is occupied")
        with pytest.raises(WarmcastError, match="runs occupy all 1 slots; nothing was claimed"):
            await dispatcher.run_now(1)
        assert (await store.row(jobs[1])).lease_id == 0
        await dispatcher.drain(0.05)


async def test_run_now_gets_a_slot_although_the_dispatcher_fills_them(store: Store) -> None:
    jobs = [await store.queued(f"term {number}") for number in range(40)]

    async def compute(_: ClaimedJob) -> Generation:
        yield None
        await asyncio.sleep(0.01)
        yield forecasts()

    async with dispatching(store, FakeForecaster(compute, slots=1)) as dispatcher:
        [ran] = await dispatcher.run_now(1)
        assert ran.status is JobStatus.READY
        assert (await store.row(jobs[-1])).status is not JobStatus.READY, "the queue had not run empty"
        await wait_until_async(settled(store, jobs[-1], JobStatus.READY), 30, "the dispatcher goes on")


async def test_run_now_claims_nothing_when_the_forecaster_stays_unavailable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher_module, "_WAIT_FOR_REPLICA", 0.05)
    monkeypatch.setattr(dispatcher_module, "_CHECK_SLOTS_EVERY", 0.01)

    class Away(FakeForecaster):
        async def describe(self) -> ForecasterInfo:
            raise WarmcastError(errors.UNAVAILABLE, "the cache is full")

    job = await store.queued()
    forecaster = Away(succeed)
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=60)
    with pytest.raises(WarmcastError, match="the cache is full; nothing was claimed"):
        await dispatcher.run_now(1)
    assert await store.row(job) == job


def _is(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return condition()

    return check
