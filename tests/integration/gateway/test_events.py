"""Event streams with fake services: which events are sent, when, and how a stream ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import refused
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.data import FAILED, HASH, MISSING, QUEUED, READY, RUNNING, cached, forecasts, job, warmup
from tests.integration.gateway.streams import streaming
from tests.waiting import wait_until_async

QUERY = "slug=amazon-vs-costco&tf=12m"
PATH = f"/api/comparison/premium/events?{QUERY}"


@asynccontextmanager
async def following(world: World) -> AsyncIterator[None]:
    """Runs the change feed."""
    task = asyncio.create_task(world.components.changes.run())
    try:
        await wait_until_async(lambda: _connected(world), 30, "the change feed is connected")
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _connected(world: World) -> bool:
    return world.components.changes.connected


def moves(world: World, row: Any, held: Any = None, slug: str = "amazon-vs-costco") -> None:
    """Sets the job's row, and publishes the change."""
    world.reply(GetWarmup=warmup(row), GetForecasts=forecasts(held or cached(MISSING)))
    key = jobs_pb2.ComparisonKey(slug=slug, timeframe="12m", geo="")
    change = jobs_pb2.WarmupChange(key=key, data_hash=HASH, status=row.status, version=row.version)
    world.jobs.publish(jobs_pb2.WatchWarmupsResponse(changes=[change]))


def enqueued(version: int = 8) -> jobs_pb2.EnqueueWarmupResponse:
    return jobs_pb2.EnqueueWarmupResponse(job=job(QUEUED, version=version), enqueued=True, queue_position=1)


async def test_an_event_for_each_change_until_it_settles(world: World) -> None:
    world.reply(GetWarmup=warmup(), GetForecasts=forecasts(cached(MISSING)), EnqueueWarmup=enqueued())
    async with following(world), streaming(world.app, QUERY) as stream:
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert (stream.headers["cache-control"], stream.headers["x-accel-buffering"]) == ("no-store", "no")
        assert await stream.block() == "retry: 2000"
        first = await stream.event()
        assert first == (
            f"{HASH}-8-queued",
            {
                "slug": "amazon-vs-costco",
                "timeframe": "12m",
                "geo": "",
                "dataHash": HASH,
                "warmupStatus": "queued",
                "forecastAvailable": False,
                "stale": False,
                "queuePosition": 1,
                "etaSeconds": None,
            },
        )
        assert len(world.jobs.calls["EnqueueWarmup"]) == 1, "opening it is a premium call"
        moves(world, job(RUNNING, version=9))
        assert await stream.status_of_next() == "running"
        moves(world, job(QUEUED, version=10))
        assert await stream.status_of_next() == "queued"
        moves(world, job(RUNNING, version=11))
        assert await stream.status_of_next() == "running"
        moves(world, job(READY, version=12), cached())
        settled = await stream.event()
        assert settled is not None
        assert (settled[0], settled[1]["warmupStatus"], settled[1]["forecastAvailable"]) == (
            f"{HASH}-12-ready",
            "ready",
            True,
        )
        assert await stream.event() is None
    await world.demand.flush()
    assert sum(each.count for each in world.jobs.only("ReportDemand").request.demand) == 1


async def test_a_change_without_a_new_status_sends_no_event(world: World) -> None:
    world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
    async with following(world), streaming(world.app, QUERY) as stream:
        assert await stream.status_of_next() == "queued"
        moves(world, job(QUEUED, version=8))
        await wait_until_async(lambda: _fetched(world, 2), 30, "it fetched again")
        moves(world, job(FAILED, version=9))
        assert await stream.status_of_next() == "running"
        assert await stream.status_of_next() == "failed"
        assert await stream.event() is None


async def _fetched(world: World, times: int) -> bool:
    return len(world.jobs.calls["GetWarmup"]) >= times


async def test_a_settled_warmup_gets_one_event_and_the_end(world: World) -> None:
    async with streaming(world.app, QUERY) as stream:
        assert await stream.status_of_next() == "ready"
        assert await stream.event() is None


async def test_a_reconnecting_client_gets_what_it_missed(world: World) -> None:
    world.reply(GetWarmup=warmup(job(QUEUED, version=8)), GetForecasts=forecasts(cached(MISSING)))
    async with following(world):
        async with streaming(world.app, QUERY, last_event_id=f"{HASH}-8-queued") as stream:
            moves(world, job(RUNNING, version=9))
            assert await stream.status_of_next() == "running", "queued is known"
        async with streaming(world.app, QUERY, last_event_id=f"{HASH}-8-queued") as stream:
            assert await stream.status_of_next() == "running", "changes while the client was disconnected"
        moves(world, job(READY, version=10), cached())
        async with streaming(world.app, QUERY, last_event_id=f"{HASH}-9-running") as stream:
            assert await stream.status_of_next() == "ready"
        async with streaming(world.app, QUERY, last_event_id=f"{HASH}-10-ready") as stream:
            assert stream.status == 204, "an EventSource does not reconnect after a 204"


@pytest.mark.slow
async def test_a_thousand_streams_share_one_jobs_stream_and_one_fetch_a_change(open_world: OpenWorld) -> None:
    # On a busy machine a thousand streams take longer to open than a call's deadline of 2 s.
    async with open_world(rpc_timeout_seconds=60) as world:
        world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
        async with following(world), AsyncExitStack() as streams:
            opened = [await streams.enter_async_context(streaming(world.app, QUERY)) for _ in range(1_000)]
            assert {await stream.status_of_next() for stream in opened} == {"queued"}
            world.jobs.calls["GetWarmup"].clear()
            moves(world, job(READY, version=9), cached())
            assert {await stream.status_of_next() for stream in opened} == {"running"}
            assert {await stream.status_of_next() for stream in opened} == {"ready"}
            assert len(world.jobs.watchers) == 1
            assert len(world.jobs.calls["GetWarmup"]) == 1


async def test_changes_of_other_comparisons_wake_no_stream(world: World) -> None:
    world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
    async with following(world), streaming(world.app, QUERY) as stream:
        assert await stream.status_of_next() == "queued"
        moves(world, job(RUNNING), slug="amazon-vs-target")
        moves(world, job(RUNNING, version=8))
        assert await stream.status_of_next() == "running"
        assert len(world.jobs.calls["GetWarmup"]) == 2


async def test_a_silent_stream_has_heartbeats(open_world: OpenWorld) -> None:
    async with open_world(event_heartbeat_seconds=0.02) as world:
        world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
        async with following(world), streaming(world.app, QUERY) as stream:
            assert await stream.status_of_next() == "queued"
            assert [await stream.block() for _ in range(3)] == [": heartbeat"] * 3
            assert len(world.jobs.calls["GetWarmup"]) == 1, "a heartbeat makes no call"


async def test_missed_changes_are_found_after_a_reconnect(world: World) -> None:
    world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
    async with following(world), streaming(world.app, QUERY) as stream:
        assert await stream.status_of_next() == "queued"
        world.reply(GetWarmup=warmup(job(READY, version=9)), GetForecasts=forecasts(cached()))
        world.jobs.publish(None)
        assert await stream.status_of_next() == "running"
        assert await stream.status_of_next() == "ready"


async def test_without_the_jobs_stream_it_polls(open_world: OpenWorld) -> None:
    async with open_world(event_heartbeat_seconds=0.02) as world:
        world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
        async with streaming(world.app, QUERY) as stream:
            assert await stream.status_of_next() == "queued"
            world.reply(GetWarmup=WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable", retry_after=1))
            await wait_until_async(lambda: _fetched(world, 3), 30, "three fetches failed")
            world.reply(GetWarmup=warmup(job(READY, version=9)), GetForecasts=forecasts(cached()))
            assert await stream.status_of_next() == "running"
            assert await stream.status_of_next() == "ready"


async def test_a_draining_gateway_ends_its_streams_and_refuses_new_ones(world: World) -> None:
    world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
    async with following(world), streaming(world.app, QUERY) as stream:
        assert await stream.status_of_next() == "queued"
        world.components.changes.close()
        assert await stream.event() is None
    refused(await world.client.get(PATH), errors.BUSY)


async def test_streams_have_their_own_limit_and_release_it(open_world: OpenWorld) -> None:
    async with open_world(event_streams=1, max_in_flight=1) as world:
        world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
        async with streaming(world.app, QUERY) as stream:
            assert await stream.status_of_next() == "queued"
            refused(await world.client.get(PATH), errors.BUSY)
            assert (await world.client.get(f"/api/comparison/premium?{QUERY}")).status_code == 200
        async with streaming(world.app, QUERY) as stream:
            assert stream.status == 200


async def test_errors_are_problems_and_release_the_limit(open_world: OpenWorld) -> None:
    async with open_world(event_streams=1) as world:
        for _ in range(2):
            refused(
                await world.client.get("/api/comparison/premium/events?slug=amazon"), errors.INVALID_ARGUMENT, "slug"
            )
            world.reply(GetWarmup=WarmcastError(errors.NOT_FOUND, "no data for amazon-vs-costco"))
            refused(await world.client.get(PATH), errors.NOT_FOUND)


async def test_head_opens_no_stream(world: World) -> None:
    response = await world.client.head(PATH)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert not world.jobs.calls


@pytest.mark.parametrize("missed", [jobs_pb2.WatchWarmupsResponse(missed=True), None])
async def test_a_missed_change_invalidates_the_whole_cache(
    open_world: OpenWorld, missed: jobs_pb2.WatchWarmupsResponse | None
) -> None:
    async with open_world(warm_answer_seconds=60) as world, following(world):
        await world.client.get(f"/api/comparison/premium?{QUERY}")
        world.jobs.publish(missed)

        async def fetched_again() -> bool:
            await world.client.get(f"/api/comparison/premium?{QUERY}")
            return await _fetched(world, 2)

        await wait_until_async(fetched_again, 30, "it fetched again")


async def test_a_change_invalidates_only_its_own_comparison(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=60) as world, following(world):
        await world.client.get(f"/api/comparison/premium?{QUERY}")
        moves(world, job(READY, version=9), cached(), slug="amazon-vs-target")
        moves(world, job(READY, version=9), cached())

        async def fetched_again() -> bool:
            await world.client.get(f"/api/comparison/premium?{QUERY}")
            return await _fetched(world, 2)

        await wait_until_async(fetched_again, 30, "it fetched again")
        for _ in range(3):
            await world.client.get(f"/api/comparison/premium?{QUERY}")
        assert len(world.jobs.calls["GetWarmup"]) == 2


async def test_a_run_shorter_than_a_fetch_is_still_reported(world: World) -> None:
    world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
    async with following(world), streaming(world.app, QUERY) as stream:
        assert await stream.status_of_next() == "queued"
        moves(world, job(READY, version=9), cached())
        events = [await stream.event(), await stream.event()]
        assert [event and event[0] for event in events] == [f"{HASH}-8-running", f"{HASH}-9-ready"]
        assert await stream.event() is None


async def test_bundles_without_a_run_report_no_run(world: World) -> None:
    world.reply(GetWarmup=warmup(job(QUEUED)), GetForecasts=forecasts(cached(MISSING)))
    async with following(world), streaming(world.app, QUERY) as stream:
        assert await stream.status_of_next() == "queued"
        moves(world, job(QUEUED), cached())
        assert await stream.status_of_next() == "ready"
