"""The calls of `warmcast explain`: reads only, and a forecaster that fails costs its own part only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from warmcast.client import WarmcastError, aio, errors
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import operations_pb2

from services.cli.client import Clients
from services.cli.explain.fetch import Fetched, fetch
from services.cli.explain.story import build_story
from services.common.rpc.metadata import SECRET
from tests.integration.gateway.data import FRESH, HASH, OLDER_HASH, STALE, cached, forecasts, job, warmup
from tests.integration.gateway.peers import FakeForecaster, FakeJobs, listening


@dataclass
class World:
    """Fake services, and clients of them."""

    jobs: FakeJobs
    forecaster: FakeForecaster
    clients: Clients

    async def fetch(self) -> Fetched:
        """As the command fetches."""
        return await fetch(self.clients, "Costco-vs-Amazon", "5y", "US")


@asynccontextmanager
async def opened(**replies: Any) -> AsyncIterator[World]:
    """One comparison with two snapshots; `replies` replace those of the fakes."""
    known = warmup(job(), previous_data_hash=OLDER_HASH, previous_engine_version="0")
    standard = {"GetWarmup": known, "GetForecasts": forecasts(cached(STALE), cached(FRESH, OLDER_HASH))}
    jobs, forecaster = FakeJobs(standard | replies), FakeForecaster(standard | replies)
    async with (
        listening(jobs, forecaster) as address,
        aio.Jobs(address) as to_jobs,
        aio.Operations(address) as to_operations,
        aio.Forecaster(address) as to_forecaster,
    ):
        yield World(jobs, forecaster, Clients(to_jobs, to_operations, to_forecaster))


async def test_it_only_reads_and_sends_no_secret() -> None:
    async with opened() as world:
        fetched = await world.fetch()
    assert set(world.jobs.calls) == {"GetWarmup", "GetComparison", "ListAttempts"}
    assert set(world.forecaster.calls) == {"GetForecasts", "InspectKeys"}
    calls = [call for peer in (world.jobs, world.forecaster) for each in peer.calls.values() for call in each]
    assert not any(SECRET in call.metadata for call in calls)
    key = world.jobs.only("GetWarmup").request.key
    assert (key.slug, key.timeframe, key.geo) == ("Costco-vs-Amazon", "5y", "US")
    inspected = [call.request.key for call in world.forecaster.calls["InspectKeys"]]
    assert [(each.data_hash, each.engine_version) for each in inspected] == [(HASH, "1"), (OLDER_HASH, "0")]
    assert list(world.forecaster.only("GetForecasts").request.keys) == inspected
    assert (fetched.error, len(fetched.forecasts), len(fetched.keys)) == (None, 2, 2)


async def test_the_last_attempts_of_the_job_are_listed() -> None:
    attempt = operations_pb2.Attempt(outcome="lease-expired", attempt=2, lease_id=9, holder="jobs-1", reason="refresh")
    async with opened(ListAttempts=operations_pb2.ListAttemptsResponse(attempts=[attempt])) as world:
        told = build_story(await world.fetch())
    request = world.jobs.only("ListAttempts").request
    assert (request.job_id, request.page_size) == (42, 10)
    assert [(each.outcome, each.holder, each.error) for each in told.attempts] == [("lease-expired", "jobs-1", None)]


async def test_an_older_jobs_service_has_no_attempts() -> None:
    async with opened(ListAttempts=WarmcastError(errors.SERVICE_OUTDATED, "not known yet")) as world:
        told = build_story(await world.fetch())
    assert told.attempts == []
    async with opened(ListAttempts=WarmcastError(errors.UNAVAILABLE, "down")) as world:
        with pytest.raises(WarmcastError, match="down"):
            await world.fetch()


async def test_without_a_job_there_are_no_attempts_to_fetch() -> None:
    async with opened(GetWarmup=warmup()) as world:
        told = build_story(await world.fetch())
    assert (told.job, told.attempts) == (None, [])
    assert "ListAttempts" not in world.jobs.calls


async def test_an_unknown_comparison_is_an_error_of_jobs() -> None:
    async with opened(GetWarmup=WarmcastError(errors.NOT_FOUND, "no data for amazon-vs-costco")) as world:
        with pytest.raises(WarmcastError, match="no data"):
            await world.fetch()
    assert not world.forecaster.calls


async def test_a_forecaster_that_cannot_inspect_keys_costs_the_keys_only() -> None:
    async with opened(InspectKeys=WarmcastError(errors.UNAVAILABLE, "the cache is unavailable")) as world:
        told = build_story(await world.fetch())
    assert (told.forecaster.error, told.keys) == ("the cache is unavailable", [])
    assert (told.premium.warmup_status, told.premium.enqueues) == ("ready", "refresh")
    assert told.interpretations


@pytest.mark.parametrize(
    "reply",
    [forecasts(), forecasts(cached(STALE)), forecasts(cached(STALE), forecaster_pb2.CachedForecasts())],
    ids=["empty", "one of two", "of unknown freshness"],
)
async def test_an_incomplete_answer_of_the_forecaster_is_no_missing_forecast(
    reply: forecaster_pb2.GetForecastsResponse,
) -> None:
    async with opened(GetForecasts=reply) as world:
        told = build_story(await world.fetch())
    assert told.forecaster.error == "the forecaster's answer is incomplete"
    assert (told.premium.warmup_status, told.premium.enqueues, told.interpretations) == (None, None, None)
