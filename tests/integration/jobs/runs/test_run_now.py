"""Runs on request, on real PostgreSQL and with a fake forecaster."""

from __future__ import annotations

import asyncio

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application import dispatcher as dispatcher_module
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.runner import Runner
from services.jobs.domain.forecaster import ForecasterInfo, Generation
from services.jobs.domain.job import ClaimedJob, WarmupJob
from services.jobs.postgres.queue import Queue
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store, forecasts, succeed
from tests.integration.jobs.running import dispatching, holds, runner, settled
from tests.waiting import wait_until_async


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
    await wait_until_async(holds(lambda: dispatcher.running == 1), 10, "it runs")
    await dispatcher.drain(0.05)
    assert [(job.status, job.attempts) for job in await call] == [(JobStatus.QUEUED, 0)]


async def test_run_now_runs_at_most_the_requested_number_when_results_cannot_be_read(store: Store) -> None:
    class ResultsUnreadable(Queue):
        async def job(self, job_id: int) -> WarmupJob | None:
            raise WarmcastError(errors.UNAVAILABLE, "away")

    for number in range(2):
        await store.queued(f"term {number}")
    forecaster = FakeForecaster(succeed)
    queue = ResultsUnreadable(store.database, POLICY, holder="mute", publisher=store.publisher)
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
    await wait_until_async(holds(lambda: dispatcher._waiting_for_slot == 1), 10, "the run waits")
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
        await wait_until_async(holds(lambda: dispatcher.running == 1), 10, "the slot is occupied")
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

    class Unavailable(FakeForecaster):
        async def describe(self) -> ForecasterInfo:
            raise WarmcastError(errors.UNAVAILABLE, "the cache is full")

    job = await store.queued()
    forecaster = Unavailable(succeed)
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=60)
    with pytest.raises(WarmcastError, match="the cache is full; nothing was claimed"):
        await dispatcher.run_now(1)
    assert await store.row(job) == job
