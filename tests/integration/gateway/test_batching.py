"""Simultaneous premium calls are batched for each service."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conftest import READ_SECONDS, World
from tests.integration.gateway.data import cached, forecasts, job, warmup

SLUGS = [f"costco-vs-shop{number}" for number in range(8)]
UNKNOWN = SLUGS[3]


def _hash(slug: str) -> str:
    return f"{SLUGS.index(slug):016x}"


def _warmup(key: jobs_pb2.ComparisonKey) -> jobs_pb2.GetWarmupResponse:
    found = warmup(job())
    found.slug, found.data_hash = key.slug, _hash(key.slug)
    return found


def _warmups(request: jobs_pb2.BatchGetWarmupsRequest) -> jobs_pb2.BatchGetWarmupsResponse:
    return jobs_pb2.BatchGetWarmupsResponse(warmups=[_warmup(key) for key in request.keys])


def _all_but_one(request: jobs_pb2.BatchGetWarmupsRequest) -> jobs_pb2.BatchGetWarmupsResponse:
    answer = _warmups(request)
    answer.warmups[[key.slug for key in request.keys].index(UNKNOWN)].Clear()
    return answer


def _forecasts(request: forecaster_pb2.GetForecastsRequest) -> forecaster_pb2.GetForecastsResponse:
    return forecasts(*(cached(data_hash=key.data_hash) for key in request.keys))


async def _get_all(world: World) -> dict[str, Any]:
    paths = {slug: f"/api/comparison/premium?slug={slug}&tf=12m" for slug in SLUGS}
    return dict(zip(SLUGS, await asyncio.gather(*(world.client.get(path) for path in paths.values())), strict=True))


async def test_simultaneous_calls_are_batched_for_each_service(world: World) -> None:
    unknown = WarmcastError(errors.NOT_FOUND, "the only timeframe is 5y")
    world.reply(GetWarmup=unknown, BatchGetWarmups=_all_but_one, GetForecasts=_forecasts)
    answers = await _get_all(world)
    assert answers[UNKNOWN].status_code == 404
    assert answers.pop(UNKNOWN).json()["detail"] == "the only timeframe is 5y"
    for slug, answer in answers.items():
        assert (answer.json()["slug"], answer.json()["dataHash"]) == (slug, _hash(slug))
        assert answer.json()["warmupStatus"] == "ready"
    assert [key.slug for key in world.jobs.only("BatchGetWarmups").request.keys] == SLUGS
    assert world.jobs.only("GetWarmup").request.key.slug == UNKNOWN
    keys = world.forecaster.only("GetForecasts").request.keys
    assert [key.slug for key in keys] == [slug for slug in SLUGS if slug != UNKNOWN]


async def test_a_batch_has_a_deadline_and_the_request_id_of_its_first_call(world: World) -> None:
    world.reply(BatchGetWarmups=_warmups, GetForecasts=_forecasts)
    path = "/api/comparison/premium?tf=12m&slug="
    await asyncio.gather(*(world.client.get(path + slug, headers={"X-Request-Id": slug}) for slug in SLUGS))
    for call in (world.jobs.only("BatchGetWarmups"), world.forecaster.only("GetForecasts")):
        assert call.metadata["x-request-id"] == SLUGS[0]
        assert call.deadline is not None
        assert READ_SECONDS - 20 < call.deadline < READ_SECONDS + 0.5


async def test_a_failing_item_of_a_batch_does_not_fail_the_others(world: World) -> None:
    bad = _hash(SLUGS[5])

    def get_forecasts(request: forecaster_pb2.GetForecastsRequest) -> forecaster_pb2.GetForecastsResponse:
        if bad in {key.data_hash for key in request.keys}:
            raise RuntimeError(bad)
        return _forecasts(request)

    world.reply(GetWarmup=lambda request: _warmup(request.key), BatchGetWarmups=_warmups, GetForecasts=get_forecasts)
    answers = await _get_all(world)
    assert {slug for slug, answer in answers.items() if answer.status_code != 200} == {SLUGS[5]}


@pytest.mark.parametrize("method", ["BatchGetWarmups", "GetForecasts"])
async def test_an_unavailable_service_is_called_once_for_a_batch(world: World, method: str) -> None:
    world.reply(BatchGetWarmups=_warmups, GetForecasts=_forecasts)
    world.reply(GetWarmup=lambda request: _warmup(request.key))
    world.reply(**{method: WarmcastError(errors.UNAVAILABLE, "unavailable", retry_after=1)})
    answers = await _get_all(world)
    assert {answer.status_code for answer in answers.values()} == {503}
    calls = {**world.jobs.calls, **world.forecaster.calls}
    assert len(calls[method]) == 3, "the first and its two retries"


async def test_an_older_jobs_without_the_batch_rpc_gets_single_calls(world: World) -> None:
    world.reply(GetWarmup=lambda request: _warmup(request.key), GetForecasts=_forecasts)
    world.jobs.lacking = {"BatchGetWarmups"}
    answers = await _get_all(world)
    assert {answer.status_code for answer in answers.values()} == {200}
    assert len(world.jobs.calls["GetWarmup"]) == len(SLUGS)
