"""The forecaster's parts over a real Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest
from redis.asyncio import Redis
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc

from services.common.rpc.client.channel import open_channel
from services.common.rpc.metadata import SECRET
from services.common.rpc.server.interceptors import standard_interceptors
from services.common.rpc.server.server import Server
from services.forecaster.cache.connections import connect
from services.forecaster.cache.store import ForecastCache
from services.forecaster.rpc.servicer import GUARDED, SERVICE, UNBOUNDED, ForecasterServicer
from services.forecaster.workers.pool import Pool
from tests.integration.forecaster.parts import ManualClock, StandInEngine

AUTHORISED = ((SECRET, "a secret of the tests"),)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine() -> StandInEngine:
    return StandInEngine()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url, connections=8)
    yield client
    await client.aclose()


@pytest.fixture
async def cache(redis: Redis) -> ForecastCache:
    return ForecastCache(redis)


@dataclass(frozen=True)
class Edge:
    """A served forecaster whose engine answers by hand."""

    stub: pb_grpc.ForecasterServiceAsyncStub
    channel: grpc.aio.Channel


@pytest.fixture
async def edge(cache: ForecastCache, clock: ManualClock, engine: StandInEngine) -> AsyncIterator[Edge]:
    """One slot, one place to wait, beats every 50 ms, and the secret of `AUTHORISED`."""
    server = Server(
        standard_interceptors(guarded=GUARDED, accepted_secrets=(AUTHORISED[0][1],), longest=10, unbounded=UNBOUNDED),
        services=[SERVICE],
    )
    servicer = ForecasterServicer(
        cache=cache, pool=Pool(slots=1, queue_limit=1, deadline=10), engine=engine, now=clock, beat_seconds=0.05
    )
    pb_grpc.add_ForecasterServiceServicer_to_server(servicer, server.grpc)
    port = await server.start("127.0.0.1:0")
    async with open_channel(f"127.0.0.1:{port}", own_connections=True) as channel:
        yield Edge(pb_grpc.ForecasterServiceStub(channel), channel)
    await server.stop(0)
