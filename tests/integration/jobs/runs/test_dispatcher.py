"""The dispatcher, on real PostgreSQL and with a fake forecaster."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from services.common.job_status import JobStatus
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.sweeper import Sweeper
from services.jobs.domain.forecaster import Generation
from services.jobs.domain.job import Cause, ClaimedJob, Claims, WarmupJob
from services.jobs.domain.operations import Record
from services.jobs.postgres.driver.connection import run
from tests.integration.jobs.conftest import FakeForecaster, Store, forecasts, succeed
from tests.integration.jobs.running import dispatching, holds, listening, runner, settled
from tests.waiting import wait_until_async


async def test_an_enqueue_wakes_the_dispatcher_at_once(store: Store) -> None:
    async with dispatching(store, FakeForecaster(succeed), poll=60):
        job = await store.queued()
        # The earliest poll is after 42 s; only the notification is faster.
        await wait_until_async(settled(store, job, JobStatus.READY), 10, "the job is ready")


async def test_the_dispatcher_continues_after_any_error_of_the_queue(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        """Fails once with an unexpected error, then works."""

        failures = 3

        def __getattr__(self, name: str) -> Any:
            return getattr(store.queue, name)

        async def claim(self, limit: int, *, trace_id: str | None = None) -> Claims:
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
    wake_ups: list[bool] = []
    losing = True

    def wake() -> None:
        wake_ups.append(losing)
        if not losing:
            dispatcher.wake()

    async with dispatching(store, forecaster, poll=3600, listen=False) as dispatcher, listening(store, wake):
        # The first pass and the wake-up of the new listener are over: only a notification can wake it now.
        await wait_until_async(holds(lambda: dispatcher.passes == 1 and len(wake_ups) >= 1), 10, "the dispatcher waits")
        job = await store.queued()
        await wait_until_async(holds(lambda: len(wake_ups) >= 2), 10, "the lost wake-up")
        await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '6 min'")
        losing = False
        swept = await Sweeper(store.queue, store.listings, forecaster).sweep()
        assert [each.cause for each in swept.requeued] == [Cause.QUEUED_OVERDUE]
        await wait_until_async(settled(store, job, JobStatus.READY), 10, "the job is ready")


async def test_a_slot_freed_during_a_claim_is_filled_at_once(store: Store) -> None:
    release, third_runs = asyncio.Event(), asyncio.Event()
    await store.queued("first")

    async def hold(job: ClaimedJob) -> Generation:
        """The first run ends during the claim of the second job; the second run ends once the third runs too."""
        yield None
        if "first" in job.slug:
            await release.wait()
        elif "second" in job.slug:
            await third_runs.wait()
        else:
            third_runs.set()
        yield forecasts()

    class EndsARunMeanwhile:
        """A queue whose claim for one slot blocks until the run in the other slot has ended."""

        async def claim(self, limit: int, *, trace_id: str | None = None) -> Claims:
            claims = await store.queue.claim(limit)
            if limit == 1 and not release.is_set():
                release.set()
                await wait_until_async(holds(lambda: dispatcher.running == 0), 10, "the first run ended")
            return claims

        async def promote(self) -> int:
            return 0

        async def claim_one(
            self, job_id: int, *, trace_id: str | None = None, record: Record | None = None
        ) -> ClaimedJob | None:
            return await store.queue.claim_one(job_id, trace_id=trace_id, record=record)

        async def job(self, job_id: int) -> WarmupJob | None:
            return await store.queue.job(job_id)

    forecaster = FakeForecaster(hold, slots=2)
    dispatcher = Dispatcher(EndsARunMeanwhile(), runner(store, forecaster), forecaster, poll=3600)
    task = asyncio.create_task(dispatcher.dispatch())
    await wait_until_async(holds(lambda: dispatcher.passes >= 1), 10, "the first run began")
    others = [await store.queued(term) for term in ("second", "third")]
    dispatcher.wake()  # one notification for both; the next poll is in an hour
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
        await wait_until_async(holds(lambda: dispatcher.running == 2), 10, "two run")
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
        await wait_until_async(holds(lambda: dispatcher.running == 1), 10, "it runs")
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
        # The claim waits for this lock and returns its jobs after the drain has begun.
        await run(connection, "LOCK TABLE warmup_jobs IN ACCESS EXCLUSIVE MODE")
        task = asyncio.create_task(dispatcher.dispatch())
        await wait_until_async(store.waiting, 10, "the claim is under way")
        draining = asyncio.create_task(dispatcher.drain(1))
        await wait_until_async(holds(lambda: dispatcher._draining), 10, "the drain has begun")
    await asyncio.wait_for(asyncio.gather(task, draining), 10)
    left = await store.row(job)
    assert (left.status, left.attempts) == (JobStatus.QUEUED, 0)
