"""The premium route with fake services: calls, enqueues, answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import READ_SECONDS, OpenWorld, World
from tests.integration.gateway.data import (
    CANCELLED,
    FAILED,
    HASH,
    MISSING,
    OLDER_HASH,
    QUEUED,
    READY,
    RUNNING,
    STALE,
    Status,
    bundle,
    cached,
    forecasts,
    job,
    warmup,
)
from tests.waiting import wait_until_async

PATH = "/api/comparison/premium?slug=Costco-vs-Amazon&tf=12m&geo="
SETTLED = "max-age=30, stale-while-revalidate=86400, stale-if-error=604800"
FIRST_CALL = jobs_pb2.ENQUEUE_REASON_FIRST_CALL
REFRESH = jobs_pb2.ENQUEUE_REASON_REFRESH
CACHE_LOST = jobs_pb2.ENQUEUE_REASON_CACHE_LOST


def enqueued(status: Status = QUEUED, *, done: bool = True, **more: Any) -> jobs_pb2.EnqueueWarmupResponse:
    """The response to an enqueue."""
    return jobs_pb2.EnqueueWarmupResponse(
        job=job(status, version=8, debug_id="debug-2"), enqueued=done, queue_position=4, **more
    )


async def test_a_ready_answer_takes_two_calls_and_no_enqueue(world: World) -> None:
    response = await world.client.get(PATH)
    body = conforming(response, "Premium")
    assert (body["warmupStatus"], body["forecastAvailable"], body["needsWarmup"]) == ("ready", True, False)
    assert (body["stale"], body["refreshing"], body["warmupTriggered"]) == (False, False, False)
    assert bundle("amazon", "termA") in response.content
    assert response.headers["cache-control"] == SETTLED
    assert "retry-after" not in response.headers
    key = world.jobs.only("GetWarmup").request.key
    assert (key.slug, key.timeframe, key.geo) == ("amazon-vs-costco", "12m", "")
    [sent] = world.forecaster.only("GetForecasts").request.keys
    assert (sent.slug, sent.term_a, sent.term_b) == ("amazon-vs-costco", "amazon", "costco")
    assert (sent.timeframe, sent.geo, sent.data_hash, sent.engine_version) == ("12m", "", HASH, "1")
    assert set(world.jobs.calls) == {"GetWarmup"}
    assert set(world.forecaster.calls) == {"GetForecasts"}


@pytest.mark.parametrize(
    ("row", "version", "reason"),
    [
        (None, 0, FIRST_CALL),
        (job(CANCELLED), 7, FIRST_CALL),
        (job(FAILED), 7, FIRST_CALL),
        (job(READY), 7, CACHE_LOST),
    ],
)
async def test_missing_bundles_enqueue_by_compare_and_set(
    world: World, row: jobs_pb2.WarmupJob | None, version: int, reason: int
) -> None:
    world.reply(GetWarmup=warmup(row), GetForecasts=forecasts(cached(MISSING)), EnqueueWarmup=enqueued(eta_seconds=7.2))
    response = await world.client.get(PATH)
    body = conforming(response, "Premium")
    assert (body["warmupStatus"], body["forecastAvailable"], body["needsWarmup"]) == ("queued", False, True)
    assert (body["warmupTriggered"], body["stale"]) == (True, False)
    assert (body["queuePosition"], body["etaSeconds"]) == (4, 7.2)
    assert body["insightsPack"]["forecasts"] == {"termA": None, "termB": None, "headToHead": None}
    assert body["insightsPack"]["signals"]["termA"]["trend"] == "rising"
    assert (response.headers["cache-control"], response.headers["retry-after"]) == ("no-store", "8")
    sent = world.jobs.only("EnqueueWarmup").request
    assert (sent.data_hash, sent.seen_version, sent.reason) == (HASH, version, reason)
    assert not world.forecaster.calls["GenerateForecasts"]


@pytest.mark.parametrize("status", [QUEUED, RUNNING])
async def test_an_active_job_is_enqueued_only_if_overdue(world: World, status: Status) -> None:
    world.reply(GetWarmup=warmup(job(status), queue_position=2), GetForecasts=forecasts(cached(MISSING)))
    body = conforming(await world.client.get(PATH), "Premium")
    assert body["warmupStatus"] == jobs_pb2.JobStatus.Name(status).removeprefix("JOB_STATUS_").lower()
    assert (body["warmupTriggered"], body["queuePosition"], body["etaSeconds"]) == (False, 2, None)
    assert not world.jobs.calls["EnqueueWarmup"]

    world.reply(GetWarmup=warmup(job(status), overdue=True), EnqueueWarmup=enqueued())
    body = conforming(await world.client.get(PATH), "Premium")
    assert (body["warmupStatus"], body["warmupTriggered"]) == ("queued", True)
    assert world.jobs.only("EnqueueWarmup").request.seen_version == 7


async def test_a_deferred_job_is_promoted_and_its_new_place_is_shown(world: World) -> None:
    world.reply(
        GetWarmup=warmup(job(QUEUED), deferred=True, queue_position=800),
        GetForecasts=forecasts(cached(MISSING)),
        EnqueueWarmup=jobs_pb2.EnqueueWarmupResponse(job=job(QUEUED, version=8), enqueued=False, queue_position=1),
    )
    body = conforming(await world.client.get(PATH), "Premium")
    assert (body["warmupStatus"], body["warmupTriggered"], body["queuePosition"]) == ("queued", False, 1)
    assert len(world.jobs.calls["EnqueueWarmup"]) == len(world.jobs.calls["GetWarmup"]) == 1


async def test_a_failed_job_in_cool_down_has_retry_after(world: World) -> None:
    cooling = warmup(job(FAILED, last_error="flat"), cooling_down=True, cooldown_seconds=299.2)
    world.reply(GetWarmup=cooling, GetForecasts=forecasts(cached(MISSING)))
    response = await world.client.get(PATH)
    body = conforming(response, "Premium")
    assert (body["warmupStatus"], body["warmupTriggered"], body["needsWarmup"]) == ("failed", False, True)
    assert "queuePosition" not in body
    assert (response.headers["retry-after"], response.headers["cache-control"]) == ("300", "no-store")
    assert not world.jobs.calls["EnqueueWarmup"]


async def test_stale_bundles_are_served_and_refreshed_once(world: World) -> None:
    world.reply(GetForecasts=forecasts(cached(STALE, age=90_000)), EnqueueWarmup=enqueued())
    response = await world.client.get(PATH)
    body = conforming(response, "Premium")
    assert (body["warmupStatus"], body["forecastAvailable"], body["stale"]) == ("ready", True, True)
    assert (body["refreshing"], body["warmupTriggered"]) == (True, True)
    assert response.headers["cache-control"] == "no-store"
    assert world.jobs.only("EnqueueWarmup").request.reason == REFRESH

    world.reply(GetWarmup=warmup(job(RUNNING)))
    response = await world.client.get(PATH)
    body = conforming(response, "Premium")
    assert (body["warmupStatus"], body["refreshing"], body["warmupTriggered"]) == ("ready", True, False)
    assert response.headers["cache-control"] == SETTLED
    world.reply(GetWarmup=warmup(job(FAILED), cooling_down=True, cooldown_seconds=60))
    response = await world.client.get(PATH)
    body = conforming(response, "Premium")
    assert (body["warmupStatus"], body["stale"], body["refreshing"]) == ("ready", True, False)
    assert "retry-after" not in response.headers
    assert len(world.jobs.calls["EnqueueWarmup"]) == 1


async def test_forecasts_of_the_previous_snapshot_are_served(world: World) -> None:
    world.reply(
        GetWarmup=warmup(previous_data_hash=OLDER_HASH, previous_engine_version="0"),
        GetForecasts=forecasts(cached(MISSING), cached(data_hash=OLDER_HASH)),
        EnqueueWarmup=enqueued(),
    )
    response = await world.client.get(PATH)
    body = conforming(response, "Premium")
    assert (body["warmupStatus"], body["forecastAvailable"], body["needsWarmup"]) == ("queued", True, False)
    assert (body["stale"], body["refreshing"], body["warmupTriggered"]) == (True, True, True)
    assert (body["dataHash"], body["forecastsDataHash"]) == (HASH, OLDER_HASH)
    assert body["insightsPack"]["forecasts"]["termA"]["term"] == "amazon"
    assert response.headers["cache-control"] == "no-store"
    keys = world.forecaster.only("GetForecasts").request.keys
    assert [(key.data_hash, key.engine_version) for key in keys] == [(HASH, ""), (OLDER_HASH, "0")]


@pytest.mark.parametrize("status", [QUEUED, RUNNING])
async def test_another_caller_enqueued_first(world: World, status: Status) -> None:
    world.reply(GetWarmup=warmup(), GetForecasts=forecasts(cached(MISSING)), EnqueueWarmup=enqueued(status, done=False))
    body = conforming(await world.client.get(PATH), "Premium")
    assert body["warmupStatus"] == jobs_pb2.JobStatus.Name(status).removeprefix("JOB_STATUS_").lower()
    assert not body["warmupTriggered"]
    assert len(world.forecaster.calls["GetForecasts"]) == 1


async def test_the_row_became_ready_during_the_call(world: World) -> None:
    replies = iter([cached(MISSING), cached()])
    rows = iter([warmup(job(QUEUED), overdue=True), warmup(job(READY, version=9))])
    world.reply(
        GetWarmup=lambda _: next(rows),
        GetForecasts=lambda _: forecasts(next(replies)),
        EnqueueWarmup=enqueued(READY, done=False),
    )
    body = conforming(await world.client.get(PATH), "Premium")
    assert (body["warmupStatus"], body["forecastAvailable"], body["warmupTriggered"]) == ("ready", True, False)


async def test_a_row_that_keeps_changing_is_fetched_at_most_twice(world: World) -> None:
    world.reply(GetForecasts=forecasts(cached(MISSING)), EnqueueWarmup=enqueued(READY, done=False))
    body = conforming(await world.client.get(PATH), "Premium")
    assert (body["warmupStatus"], body["forecastAvailable"], body["warmupTriggered"]) == ("queued", False, False)
    assert len(world.jobs.calls["EnqueueWarmup"]) == 2


@pytest.mark.parametrize(
    ("row", "status"), [(None, "queued"), (job(FAILED), "failed"), (job(READY), "queued"), (job(RUNNING), "running")]
)
async def test_head_neither_enqueues_nor_counts_as_demand(
    world: World, row: jobs_pb2.WarmupJob | None, status: str
) -> None:
    world.reply(GetWarmup=warmup(row, overdue=True), GetForecasts=forecasts(cached(MISSING)), EnqueueWarmup=enqueued())
    response = await world.client.head(PATH)
    assert (response.status_code, response.headers["cache-control"], response.content) == (200, "no-store", b"")
    assert ("retry-after" in response.headers) == (status != "failed")
    await world.demand.flush()
    assert set(world.jobs.calls) == {"GetWarmup"}


async def test_if_none_match_gets_304(world: World) -> None:
    first = await world.client.get(PATH)
    tag = first.headers["etag"]
    assert not tag.startswith("W/")
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = await world.client.get(PATH, headers={"If-None-Match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
        assert response.headers["cache-control"] == SETTLED
        # RFC 9110, 15.4.5: a 304 has the headers that a cache needs, and none that describe a body.
        of_a_body = {"content-encoding", "content-length", "content-type", "x-content-type-options"}
        of_a_body.add("content-security-policy")
        assert set(first.headers) - set(response.headers) == of_a_body
        assert set(response.headers) == {"age", "cache-control", "etag", "vary", "x-request-id"}
    assert (await world.client.get(PATH, headers={"If-None-Match": '"other"'})).status_code == 200
    assert (await world.client.head(PATH)).headers["etag"] == tag


async def test_debug_fields(open_world: OpenWorld) -> None:
    async with open_world(debug_api_headers=True) as world:
        response = await world.client.get(PATH)
        body = conforming(response, "Premium")
        assert response.headers["cache-control"] == f"private, {SETTLED}"
        assert (body["warmupDebugId"], body["lastWarmupError"]) == ("debug-1", None)
        keys = {"termAKey": f"forecast:amazon:{HASH}", "termBKey": f"forecast:costco:{HASH}"}
        assert body["forecastCacheKeysUsed"] == keys

        world.reply(
            GetWarmup=warmup(job(FAILED, last_error="flat"), cooling_down=True, cooldown_seconds=5),
            GetForecasts=forecasts(cached(MISSING)),
        )
        body = conforming(await world.client.get(PATH), "Premium")
        assert (body["lastWarmupError"], body["forecastCacheKeysUsed"]) == ("flat", keys)

        world.reply(
            GetWarmup=warmup(previous_data_hash=OLDER_HASH),
            GetForecasts=forecasts(cached(MISSING), cached(data_hash=OLDER_HASH)),
            EnqueueWarmup=enqueued(),
        )
        body = conforming(await world.client.get(PATH), "Premium")
        assert body["warmupDebugId"] == "debug-2"
        assert body["forecastCacheKeysUsed"]["termAKey"] == f"forecast:amazon:{OLDER_HASH}"

        world.reply(GetWarmup=warmup(), GetForecasts=forecasts(cached()))
        body = conforming(await world.client.get(PATH), "Premium")
        assert (body["warmupDebugId"], body["lastWarmupError"]) == (None, None)


async def test_without_debug_the_debug_fields_are_absent(world: World) -> None:
    body = conforming(await world.client.get(PATH), "Premium")
    assert not {"warmupDebugId", "lastWarmupError", "forecastCacheKeysUsed"} & body.keys()


async def test_an_unknown_comparison_is_not_found(world: World) -> None:
    world.reply(GetWarmup=WarmcastError(errors.NOT_FOUND, "there is no comparison amazon-vs-costco"))
    refused(await world.client.get(PATH), errors.NOT_FOUND)
    await world.demand.flush()
    assert not world.jobs.calls["ReportDemand"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "slug"),
        ("slug=amazon", "slug"),
        ("slug=amazon-vs-amazon", "slug"),
        ("slug=a-vs-b&slug=c-vs-d", "slug"),
        ("slug=a-vs-b&tf=2w", "tf"),
        ("slug=a-vs-b&tf=7d&timeframe=30d", "tf"),
        ("slug=a-vs-b&geo=nowhere", "geo"),
    ],
)
async def test_an_invalid_parameter_is_named_without_a_call(world: World, query: str, field: str) -> None:
    refused(await world.client.get(f"/api/comparison/premium?{query}"), errors.INVALID_ARGUMENT, field)
    assert not world.jobs.calls


async def test_answers_are_counted_and_reported(world: World) -> None:
    tag = (await world.client.get(PATH)).headers["etag"]
    await world.client.get(PATH, headers={"If-None-Match": tag})
    await world.demand.flush()
    [demand] = world.jobs.only("ReportDemand").request.demand
    assert (demand.key.slug, demand.key.timeframe, demand.key.geo, demand.count) == ("amazon-vs-costco", "12m", "", 2)


async def test_a_thousand_simultaneous_first_calls_get_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # All callers and services share one loop here, so this test measures no speed.
    monkeypatch.setattr("services.gateway.premium.service._MAX_WAIT_SECONDS", 60)
    seen: list[Any] = []

    def enqueue(request: Any) -> jobs_pb2.EnqueueWarmupResponse:
        seen.append(request.key)
        return enqueued(done=len(seen) == 1)

    world.reply(GetWarmup=warmup(), GetForecasts=forecasts(cached(MISSING)), EnqueueWarmup=enqueue)
    responses = await asyncio.gather(*(world.client.get(PATH) for _ in range(1_000)))
    assert {response.status_code for response in responses} == {200}
    bodies = [response.json() for response in responses]
    assert {body["warmupStatus"] for body in bodies} == {"queued"}
    assert sum(body["warmupTriggered"] for body in bodies) == 1


async def test_excess_calls_wait_for_a_slot_before_they_are_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.premium.service._MAX_WAIT_SECONDS", 60)
    running, released = 0, asyncio.Event()

    async def wait_for_release(_request: Any) -> jobs_pb2.GetWarmupResponse:
        nonlocal running
        running += 1
        await released.wait()
        return warmup(job())

    async def full() -> bool:
        return running >= 64

    world.reply(GetWarmup=wait_for_release)
    calls = asyncio.gather(*(world.client.get(PATH.replace("Amazon", f"shop{number}")) for number in range(400)))
    await wait_until_async(full, 30, "all slots are occupied")
    for _ in range(10):  # calls that were sent earlier on the same connection arrive before these return
        await world.client.get("/api/comparisons")
    assert running == 64
    released.set()
    assert {response.status_code for response in await calls} == {200}
    assert running == 400


async def test_calls_carry_a_deadline_and_the_requests_id_but_no_secret(world: World) -> None:
    await world.operator.get(PATH, headers={"X-Request-Id": "abc-123"})
    for call in (world.jobs.only("GetWarmup"), world.forecaster.only("GetForecasts")):
        assert call.metadata["x-request-id"] == "abc-123"
        assert "x-warmup-secret" not in call.metadata
        assert call.deadline is not None
        assert READ_SECONDS - 20 < call.deadline < READ_SECONDS + 0.5


async def test_only_an_explicit_missing_counts_as_missing(world: World) -> None:
    unspecified = forecaster_pb2.CachedForecasts()
    for unclear in (forecasts(), forecasts(unspecified)):
        world.reply(GetForecasts=unclear)
        refused(await world.client.get(PATH), errors.UNAVAILABLE)
    assert not world.jobs.calls["EnqueueWarmup"]
