"""Outages of jobs, the forecaster or Redis: a stale copy, else 503; nothing is enqueued."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from unittest.mock import Mock

import pytest
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import Reason, WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.data import MISSING, OLDER_HASH, STALE, cached, forecasts, job, warmup
from tests.integration.gateway.peers import Reply
from tests.waiting import wait_until_async

PATH = "/api/comparison/premium?slug=amazon-vs-costco"
OTHER = "/api/comparison/premium?slug=amazon-vs-walmart"
UNAVAILABLE = WarmcastError(errors.UNAVAILABLE, "Redis is unavailable", retry_after=3)


def shorten_deadlines(world: World) -> None:
    """Lets calls fail soon, after those that a busy machine must be able to answer."""
    for service in (world.components.jobs, world.components.forecaster):
        service._deadlines = replace(service._deadlines, read=0.2)


@pytest.mark.parametrize("method", ["GetWarmup", "GetForecasts"])
@pytest.mark.parametrize(
    "reason", [errors.UNAVAILABLE, errors.DEADLINE_EXCEEDED, errors.BUSY, errors.INTERNAL], ids=lambda each: each.slug
)
async def test_during_an_outage_a_stale_copy_is_served(world: World, method: str, reason: Reason) -> None:
    before = conforming(await world.client.get(PATH), "Premium")
    world.reply(**{method: WarmcastError(reason, "unavailable")})
    after = conforming(await world.client.get(PATH), "Premium")
    assert after == {**before, "stale": True}
    refused(await world.client.get(OTHER), errors.UNAVAILABLE)
    assert not world.jobs.calls["EnqueueWarmup"]


@pytest.mark.parametrize("reply", [UNAVAILABLE, WarmcastError(errors.DEADLINE_EXCEEDED, "too long")])
async def test_without_a_stale_copy_the_503_has_retry_after(world: World, reply: Reply) -> None:
    world.reply(GetForecasts=reply)
    response = await world.client.get(PATH)
    refused(response, errors.UNAVAILABLE)
    assert response.headers["retry-after"] == ("3" if reply is UNAVAILABLE else "1")
    assert response.headers["cache-control"] == "no-store"


async def test_without_any_listener(open_world: OpenWorld) -> None:
    async with open_world(jobs_addr="127.0.0.1:1") as world:
        response = await world.client.get(PATH)
        problem = refused(response, errors.UNAVAILABLE)
        assert int(response.headers["retry-after"]) >= 1
        assert problem["detail"] == "jobs could not answer (UNAVAILABLE)"


async def test_a_frozen_service_costs_one_deadline(open_world: OpenWorld) -> None:
    async with open_world() as world:
        before = conforming(await world.client.get(PATH), "Premium")
        frozen = asyncio.Event()

        async def never(_request: object) -> None:
            await frozen.wait()

        world.reply(GetForecasts=never)
        shorten_deadlines(world)
        async with asyncio.timeout(20):
            after = conforming(await world.client.get(PATH), "Premium")
        frozen.set()
        assert after == {**before, "stale": True}


async def test_during_an_outage_not_every_call_waits_for_the_deadline(
    open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.premium.service._OUTAGE_SECONDS", 60.0)
    async with open_world() as world:
        before = conforming(await world.client.get(PATH), "Premium")
        frozen = asyncio.Event()

        async def never(_request: object) -> None:
            await frozen.wait()

        world.reply(GetWarmup=never)
        shorten_deadlines(world)
        conforming(await world.client.get(PATH), "Premium")
        calls = len(world.jobs.calls["GetWarmup"])
        copies = await asyncio.gather(*(world.client.get(PATH) for _ in range(20)))
        assert [conforming(copy, "Premium") for copy in copies] == [{**before, "stale": True}] * 20
        assert len(world.jobs.calls["GetWarmup"]) == calls
        frozen.set()
        world.reply(GetWarmup=warmup(job()))
        over = time.monotonic() + 61
        monkeypatch.setattr("services.gateway.premium.outages.time", Mock(monotonic=lambda: over))

        async def fresh() -> bool:
            return bool(conforming(await world.client.get(PATH), "Premium") == before)

        await wait_until_async(fresh, 30, "the service is called again")


async def test_one_slow_comparison_does_not_affect_the_others(
    open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comparison alone never counts as an outage, however often it fails."""
    monkeypatch.setattr("services.gateway.premium.service._OUTAGE_SECONDS", 60.0)
    async with open_world() as world:
        before = conforming(await world.client.get(OTHER), "Premium")
        conforming(await world.client.get(PATH), "Premium")

        async def slow_for_one(request: jobs_pb2.GetWarmupRequest) -> jobs_pb2.GetWarmupResponse | WarmcastError:
            if request.key.slug == "amazon-vs-costco":
                return WarmcastError(errors.DEADLINE_EXCEEDED, "too long")
            return warmup(job())

        world.reply(GetWarmup=slow_for_one)
        for _ in range(3):
            slow = await asyncio.gather(*(world.client.get(PATH) for _ in range(5)))
            assert all(conforming(each, "Premium")["stale"] for each in slow)
            assert conforming(await world.client.get(OTHER), "Premium") == before


async def test_two_slow_comparisons_with_a_success_between_are_not_an_outage(
    open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.premium.service._OUTAGE_SECONDS", 60.0)
    async with open_world() as world:
        before = conforming(await world.client.get(OTHER), "Premium")
        for path in (PATH, OTHER.replace("walmart", "target")):
            world.reply(GetWarmup=UNAVAILABLE)
            refused(await world.client.get(path), errors.UNAVAILABLE)
            world.reply(GetWarmup=warmup(job()))
            assert conforming(await world.client.get(OTHER), "Premium") == before


async def test_two_failures_of_different_comparisons_are_an_outage(
    open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.premium.service._OUTAGE_SECONDS", 60.0)
    async with open_world() as world:
        before = conforming(await world.client.get(OTHER), "Premium")
        world.reply(GetWarmup=UNAVAILABLE)
        for path in (PATH, OTHER.replace("walmart", "target")):
            refused(await world.client.get(path), errors.UNAVAILABLE)
        calls = len(world.jobs.calls["GetWarmup"])
        assert conforming(await world.client.get(OTHER), "Premium") == {**before, "stale": True}
        assert len(world.jobs.calls["GetWarmup"]) == calls


async def test_calls_that_wait_for_a_slot_are_served_stale_copies_too(
    open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.premium.service._MAX_CONCURRENT", 2)
    monkeypatch.setattr("services.gateway.premium.service._OUTAGE_SECONDS", 60.0)
    async with open_world() as world:
        paths = [PATH.replace("amazon", f"shop{number}") for number in range(20)]
        for path in paths:
            conforming(await world.client.get(path), "Premium")
        frozen = asyncio.Event()

        async def never(_request: object) -> None:
            await frozen.wait()

        world.reply(GetWarmup=never)
        shorten_deadlines(world)
        world.jobs.calls["GetWarmup"].clear()
        copies = await asyncio.gather(*(world.client.get(path) for path in paths))
        frozen.set()
        assert all(conforming(copy, "Premium")["stale"] for copy in copies)
        # The first failure counts only for its own comparison, so one more call may start before the second failure.
        assert len(world.jobs.calls["GetWarmup"]) in (2, 3), "the calls that had a slot"


async def test_an_answer_without_forecasts_is_not_stored(world: World) -> None:
    world.reply(
        GetWarmup=warmup(),
        GetForecasts=forecasts(cached(MISSING)),
        EnqueueWarmup=WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable", retry_after=1),
    )
    refused(await world.client.get(PATH), errors.UNAVAILABLE)


async def test_forecasts_are_served_although_the_enqueue_fails(world: World) -> None:
    world.reply(EnqueueWarmup=UNAVAILABLE, GetForecasts=forecasts(cached(STALE, age=90_000)))
    body = conforming(await world.client.get(PATH), "Premium")
    assert (body["warmupStatus"], body["stale"]) == ("ready", True)
    assert (body["refreshing"], body["warmupTriggered"]) == (False, False)

    world.reply(
        GetWarmup=warmup(previous_data_hash=OLDER_HASH),
        GetForecasts=forecasts(cached(MISSING), cached(data_hash=OLDER_HASH)),
    )
    body = conforming(await world.client.get(PATH), "Premium")
    assert (body["forecastAvailable"], body["forecastsDataHash"]) == (True, OLDER_HASH)
    assert not body["warmupTriggered"]


async def test_a_stale_copy_expires_with_its_bundles(world: World) -> None:
    world.reply(GetForecasts=forecasts(cached(STALE, age=8 * 24 * 3600)), GetWarmup=warmup(), EnqueueWarmup=UNAVAILABLE)
    conforming(await world.client.get(PATH), "Premium")
    world.reply(GetForecasts=UNAVAILABLE)
    refused(await world.client.get(PATH), errors.UNAVAILABLE)


async def test_a_deleted_comparison_is_not_served_from_the_stale_cache(world: World) -> None:
    conforming(await world.client.get(PATH), "Premium")
    world.reply(GetWarmup=WarmcastError(errors.NOT_FOUND, "no such comparison"))
    refused(await world.client.get(PATH), errors.NOT_FOUND)


async def test_the_stale_cache_is_bounded(open_world: OpenWorld) -> None:
    async with open_world(memory_answers=1) as world:
        conforming(await world.client.get(PATH), "Premium")
        conforming(await world.client.get(OTHER), "Premium")
        world.reply(GetWarmup=UNAVAILABLE)
        refused(await world.client.get(PATH), errors.UNAVAILABLE)
        conforming(await world.client.get(OTHER), "Premium")
