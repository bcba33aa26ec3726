"""The answer cache: lifetime, sharing, invalidation."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.data import (
    FAILED,
    HASH,
    MISSING,
    QUEUED,
    RUNNING,
    STALE,
    Status,
    cached,
    forecasts,
    job,
    warmup,
)
from tests.waiting import wait_until_async

PATH = "/api/comparison/premium?slug=amazon-vs-costco&tf=12m"
LONG = 60.0  # seconds; no answer expires during a test


def enqueued() -> jobs_pb2.EnqueueWarmupResponse:
    """The response to an enqueue of a refresh."""
    return jobs_pb2.EnqueueWarmupResponse(job=job(QUEUED, version=8), enqueued=True, queue_position=1)


def fetches(world: World) -> int:
    """Number of calls to jobs."""
    return len(world.jobs.calls["GetWarmup"])


async def test_a_cached_answer_serves_every_spelling_of_its_query(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        first = await world.client.get(PATH)
        for path in (PATH, "/api/comparison/premium?tf=12m&slug=Costco-vs-Amazon&geo="):
            again = await world.client.get(path)
            assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
            assert int(again.headers["age"]) <= 5
        assert (await world.client.head(PATH)).status_code == 200
        assert (await world.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})).status_code == 304
        assert fetches(world) == 1
        await world.client.get(PATH + "&geo=US")
        assert fetches(world) == 2
        await world.demand.flush()
        counted = {each.key.geo: each.count for each in world.jobs.only("ReportDemand").request.demand}
        assert counted == {"": 4, "US": 1}


@pytest.mark.parametrize(
    ("row", "held"),
    [
        (job(QUEUED), cached(MISSING)),
        (job(RUNNING), cached(MISSING)),
        (job(FAILED), cached(MISSING)),
        (None, cached(MISSING)),
        (None, cached(STALE)),
    ],
)
async def test_unsettled_and_enqueued_answers_are_not_cached(
    open_world: OpenWorld, row: jobs_pb2.WarmupJob | None, held: Any
) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        moved = jobs_pb2.EnqueueWarmupResponse(job=job(QUEUED, version=8), enqueued=True)
        world.reply(GetWarmup=warmup(row, cooling_down=True), GetForecasts=forecasts(held), EnqueueWarmup=moved)
        await world.client.get(PATH)
        await world.client.get(PATH)
        assert fetches(world) == 2


async def test_an_import_invalidates_the_cached_answer(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        stored = jobs_pb2.IngestSnapshotResponse(slug="amazon-vs-costco", timeframe="12m", geo="", data_hash=HASH)
        world.reply(IngestSnapshot=stored)
        await world.client.get(PATH)
        body = {"content": "a file", "headers": {"Content-Type": "text/csv"}}
        assert (await world.operator.post("/api/comparisons", **body)).status_code == 200  # type: ignore[arg-type] # of several types
        await world.client.get(PATH)
        assert fetches(world) == 2


async def test_a_head_does_not_prevent_the_refresh_of_the_next_get(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        world.reply(
            GetWarmup=warmup(job()), GetForecasts=forecasts(cached(STALE, age=90_000)), EnqueueWarmup=enqueued()
        )
        for _ in range(3):
            assert (await world.client.head(PATH)).status_code == 200
        assert not world.jobs.calls["EnqueueWarmup"]
        body = conforming(await world.client.get(PATH), "Premium")
        assert (body["stale"], body["refreshing"], body["warmupTriggered"]) == (True, True, True)
        assert len(world.jobs.calls["EnqueueWarmup"]) == 1


async def test_a_failed_enqueue_is_retried_by_the_next_call(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        unavailable = WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable")
        world.reply(
            GetWarmup=warmup(job()), GetForecasts=forecasts(cached(STALE, age=90_000)), EnqueueWarmup=unavailable
        )
        assert not conforming(await world.client.get(PATH), "Premium")["warmupTriggered"]
        world.reply(EnqueueWarmup=enqueued())
        assert conforming(await world.client.get(PATH), "Premium")["warmupTriggered"]


async def test_a_fetch_from_before_an_import_is_neither_cached_nor_shared(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        going = asyncio.Event()

        async def slow(_request: Any) -> jobs_pb2.GetWarmupResponse:
            await going.wait()
            return warmup(job())

        async def fetching() -> bool:
            return fetches(world) == 1

        world.reply(GetWarmup=slow, TriggerWarmup=jobs_pb2.TriggerWarmupResponse(job=job(QUEUED), enqueued=True))
        before = asyncio.create_task(world.client.get(PATH))
        await wait_until_async(fetching, 30, "a fetch is in progress")
        changed = await world.operator.post("/api/comparison/warmup", json={"slug": "amazon-vs-costco"})
        assert changed.status_code == 202
        world.reply(GetWarmup=warmup(job(QUEUED)))
        conforming(await world.client.get(PATH), "Premium")
        assert fetches(world) == 2, "a fetch of its own"
        going.set()
        assert not conforming(await before, "Premium")["refreshing"]
        after = conforming(await world.client.get(PATH), "Premium")
        assert (after["refreshing"], fetches(world)) == (True, 2), "the later fetch is cached, not the earlier one"


@pytest.mark.parametrize("status", [QUEUED, RUNNING])
async def test_simultaneous_calls_share_one_fetch_and_one_reports_the_enqueue(
    open_world: OpenWorld, status: Status
) -> None:
    async with open_world() as world:
        going = asyncio.Event()

        async def slow(_request: Any) -> jobs_pb2.GetWarmupResponse:
            await going.wait()
            return warmup()

        async def fetching() -> bool:
            return fetches(world) == 1

        moved = jobs_pb2.EnqueueWarmupResponse(job=job(status, version=8), enqueued=True)
        world.reply(GetWarmup=slow, GetForecasts=forecasts(cached(MISSING)), EnqueueWarmup=moved)
        calls = [asyncio.create_task(world.client.get(PATH)) for _ in range(50)]
        await wait_until_async(fetching, 30, "the fetch is in progress")
        await world.client.get("/api/comparisons")  # sent after the other calls, answered before them
        calls[0].cancel()  # the caller that started the fetch
        going.set()
        answers = await asyncio.gather(*calls)
        bodies = [conforming(answer, "Premium") for answer in answers[1:]]
        assert not any(body["warmupTriggered"] for body in bodies), "only the cancelled caller started it"
        assert (fetches(world), len(world.jobs.calls["EnqueueWarmup"])) == (1, 1)


async def test_an_error_is_shared_and_not_cached(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        world.reply(GetWarmup=WarmcastError(errors.NOT_FOUND, "no data for amazon-vs-costco"))
        for answer in await asyncio.gather(*(world.client.get(PATH) for _ in range(10))):
            refused(answer, errors.NOT_FOUND)
        assert fetches(world) == 1
        refused(await world.client.get(PATH), errors.NOT_FOUND)
        assert fetches(world) == 2


async def test_the_cache_is_bounded(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG, warm_answers=2) as world:
        for number in (1, 2, 3, 1):
            await world.client.get(PATH.replace("amazon", f"shop{number}"))
        assert fetches(world) == 4, "the first was evicted"


async def test_selections_of_parts_share_one_fetch_and_its_invalidation(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        selections = ["", "&fields=signals", "&fields=interpretations,insights", "&fields=headToHead"]
        answers = await asyncio.gather(*(world.client.get(PATH + selection) for selection in selections))
        bodies = [conforming(answer, "Premium") for answer in answers]
        members = [list(body["insightsPack"]) for body in bodies]
        assert members == [
            ["forecasts", "signals", "insights", "interpretations"],
            ["signals"],
            ["insights", "interpretations"],
            ["forecasts"],
        ]
        assert len({answer.headers["etag"] for answer in answers}) == len(selections)
        assert fetches(world) == 1
        for selection, answer in zip(selections, answers, strict=True):
            known = {"If-None-Match": answer.headers["etag"]}
            assert (await world.client.get(PATH + selection, headers=known)).status_code == 304
            head = await world.client.head(PATH + selection)
            assert (head.headers["etag"], head.content) == (answer.headers["etag"], b"")
        assert fetches(world) == 1
        world.reply(TriggerWarmup=jobs_pb2.TriggerWarmupResponse(job=job(QUEUED), enqueued=True))
        await world.operator.post("/api/comparison/warmup", json={"slug": "amazon-vs-costco"})
        world.reply(GetWarmup=warmup(job(QUEUED)))
        for selection in selections:
            assert conforming(await world.client.get(PATH + selection), "Premium")["refreshing"]
        assert fetches(world) == 2


async def test_a_selection_of_an_unfetched_answer_enqueues_as_the_whole_answer_does(open_world: OpenWorld) -> None:
    async with open_world(warm_answer_seconds=LONG) as world:
        world.reply(GetWarmup=warmup(), GetForecasts=forecasts(cached(MISSING)), EnqueueWarmup=enqueued())
        body = conforming(await world.client.get(PATH + "&fields=insights"), "Premium")
        assert (body["warmupTriggered"], body["insightsPack"]) == (True, {"insights": None})


async def test_a_stale_copy_is_served_in_each_selection(open_world: OpenWorld) -> None:
    async with open_world() as world:
        whole = conforming(await world.client.get(PATH), "Premium")
        world.reply(GetWarmup=WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable"))
        for name in ("signals", "insights", "interpretations"):
            copy = conforming(await world.client.get(f"{PATH}&fields={name}"), "Premium")
            assert (copy["stale"], copy["insightsPack"]) == (True, {name: whole["insightsPack"][name]})


@pytest.mark.parametrize("fields", ["", "termA", "signals,signals", "signals&fields=insights"])
async def test_an_invalid_selection_is_refused_without_a_fetch(open_world: OpenWorld, fields: str) -> None:
    async with open_world() as world:
        refused(await world.client.get(f"{PATH}&fields={fields}"), errors.INVALID_ARGUMENT, "fields")
        assert fetches(world) == 0
