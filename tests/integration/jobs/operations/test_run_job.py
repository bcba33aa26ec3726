"""One job that an operator runs at once."""

from __future__ import annotations

import asyncio

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.domain.forecaster import Generation
from services.jobs.domain.job import ClaimedJob
from services.jobs.domain.operations import Actor
from tests.integration.jobs.conftest import FakeForecaster, Store, forecasts, succeed
from tests.integration.jobs.running import holds, runner
from tests.waiting import wait_until_async

ADA = Actor("Ada", "to see it run", "request")


def dispatcher_of(store: Store, forecaster: FakeForecaster) -> Dispatcher:
    return Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=60)


async def test_the_job_runs_before_its_turn_and_before_its_time(store: Store) -> None:
    first = await store.queued("first")
    later = await store.queued("later")
    await store.execute("UPDATE warmup_jobs SET not_before = now() + interval '1 h' WHERE id = %(id)s", id=later.id)
    forecaster = FakeForecaster(succeed)
    ran = await dispatcher_of(store, forecaster).run_job(later.id, ADA)
    assert (ran.id, ran.status, ran.attempts, ran.reason) == (later.id, JobStatus.READY, 1, later.reason)
    assert forecaster.ran == [later.id]
    assert (await store.row(first)).status is JobStatus.QUEUED


@pytest.mark.parametrize("status", ["ready", "failed", "cancelled"])
async def test_a_settled_job_is_queued_again_first(store: Store, status: str) -> None:
    job = await store.queued()
    await store.execute(
        "UPDATE warmup_jobs SET status = %(status)s, attempts = 3, cooldown_until = now() + interval '1 h'",
        status=status,
    )
    ran = await dispatcher_of(store, FakeForecaster(succeed)).run_job(job.id, ADA)
    assert (ran.status, ran.attempts, ran.reason) == (JobStatus.READY, 1, "by-hand")
    assert ran.debug_id != job.debug_id


async def test_a_running_job_is_refused(store: Store) -> None:
    job = await store.claimed()
    with pytest.raises(WarmcastError, match=f"job {job.id} is running already") as refused:
        await dispatcher_of(store, FakeForecaster(succeed)).run_job(job.id, ADA)
    assert refused.value.reason is errors.WRONG_STATE
    assert (await store.row(job)).lease_id == job.lease_id


async def test_of_two_simultaneous_calls_one_runs_the_job(store: Store) -> None:
    job = await store.queued()
    forecasters = [FakeForecaster(succeed), FakeForecaster(succeed)]
    calls = [dispatcher_of(store, forecaster).run_job(job.id, ADA) for forecaster in forecasters]
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [result for result in results if isinstance(result, WarmcastError)]
    # Either the second finds it running, or it comes after the first run's end and runs it again.
    assert len(refused) + sum(len(forecaster.ran) for forecaster in forecasters) == 2, results
    assert all(error.reason is errors.WRONG_STATE for error in refused)
    assert (await store.row(job)).status is JobStatus.READY


async def test_the_run_waits_for_a_free_slot(store: Store) -> None:
    release = asyncio.Event()

    async def hold(_: ClaimedJob) -> Generation:
        yield None
        await release.wait()
        yield forecasts()

    jobs = [await store.queued(term) for term in ("one", "two")]
    forecaster = FakeForecaster(hold, slots=1)
    dispatcher = dispatcher_of(store, forecaster)
    calls = [asyncio.create_task(dispatcher.run_job(job.id, ADA)) for job in jobs]
    await wait_until_async(holds(lambda: dispatcher.running == 1), 10, "the first runs")
    await wait_until_async(holds(lambda: dispatcher._waiting_for_slot == 1), 10, "the second waits")
    assert len(forecaster.ran) == 1
    release.set()
    assert [(await call).status for call in calls] == [JobStatus.READY] * 2


async def test_the_run_goes_on_when_its_caller_disconnects(store: Store) -> None:
    job = await store.queued()
    forecaster = FakeForecaster(succeed)
    call = asyncio.create_task(dispatcher_of(store, forecaster).run_job(job.id, ADA))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)

    async def ready() -> bool:
        return (await store.row(job)).status is JobStatus.READY

    await wait_until_async(ready, 10, "it ran")


async def test_a_run_without_a_forecaster_or_during_a_drain_changes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.jobs.application.dispatcher._WAIT_FOR_REPLICA", 0.01)
    monkeypatch.setattr("services.jobs.application.dispatcher._CHECK_SLOTS_EVERY", 0.01)
    job = await store.queued()
    drained = dispatcher_of(store, FakeForecaster(succeed))
    await drained.drain(1)
    for dispatcher in (dispatcher_of(store, FakeForecaster(succeed, slots=0)), drained):
        with pytest.raises(WarmcastError, match="nothing was claimed") as refused:
            await dispatcher.run_job(job.id, ADA)
        assert refused.value.reason is errors.UNAVAILABLE
    assert await store.row(job) == job
    assert await store.actions.actions(limit=5) == []
