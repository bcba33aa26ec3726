"""Runners, listeners and dispatchers over the stores of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext

from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.change_feed import ChangeFeed
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.runner import Runner
from services.jobs.domain.forecaster import Generation
from services.jobs.domain.job import ClaimedJob, QueuePolicy, WarmupJob
from services.jobs.postgres.driver.listener import Listener
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store


def runner(store: Store, forecaster: FakeForecaster, policy: QueuePolicy = POLICY) -> Runner:
    return Runner(store.queue, forecaster, policy)


def refusing(error: WarmcastError) -> FakeForecaster:
    async def refuse(_: ClaimedJob) -> Generation:
        yield None
        raise error

    return FakeForecaster(refuse)


@asynccontextmanager
async def listening(store: Store, wake: Callable[[], None]) -> AsyncIterator[None]:
    feed = ChangeFeed(store.listings.changed)
    listener = Listener(store.url, on_wake_up=wake, on_change=feed.on_change, on_missed=feed.on_missed)
    task = asyncio.create_task(listener.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def dispatching(
    store: Store, forecaster: FakeForecaster, *, poll: float = 60, listen: bool = True
) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(store.queue, runner(store, forecaster), forecaster, poll=poll)
    task = asyncio.create_task(dispatcher.dispatch())
    async with listening(store, dispatcher.wake) if listen else nullcontext():
        yield dispatcher
    await dispatcher.drain(5)
    await asyncio.wait_for(task, 5)


async def left_by(runner: Runner, store: Store) -> WarmupJob:
    """The job after its run. The result of the run has the same status."""
    job = await store.claimed()
    status = await runner.run(job)
    left = await store.row(job)
    assert left.status is status
    return left


def settled(store: Store, job: WarmupJob, status: JobStatus) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return (await store.row(job)).status is status

    return check


def holds(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """The condition, for `wait_until_async`."""

    async def check() -> bool:
        return condition()

    return check
