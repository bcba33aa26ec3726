"""Redis serves reads and refuses writes: no slots are offered, reads continue, a new primary is found."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest
from redis.asyncio import Redis
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from devstack.stores.ports import LOOPBACK, free_port
from devstack.stores.valkey import Valkey
from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.status import from_rpc_error
from services.forecaster.cache.bundles import BundlePair
from services.forecaster.cache.connections import connect
from services.forecaster.cache.store import ForecastCache
from services.forecaster.cache.write_health import REFUSED
from tests.integration.forecaster import parts
from tests.integration.forecaster.conftest import AUTHORISED, Edge
from tests.integration.forecaster.parts import START, StandInEngine, key, name
from tests.waiting import wait_until_async

Break = Callable[[Redis, Valkey], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _read_only(redis: Redis, _: Valkey) -> AsyncIterator[None]:
    await redis.replicaof(LOOPBACK, str(free_port()))
    try:
        yield
    finally:
        await redis.replicaof("NO", "ONE")


@asynccontextmanager
async def _out_of_memory(redis: Redis, _: Valkey) -> AsyncIterator[None]:
    before = str((await redis.config_get("maxmemory"))["maxmemory"])
    await redis.config_set("maxmemory", "1mb")
    try:
        yield
    finally:
        await redis.config_set("maxmemory", before)


@asynccontextmanager
async def _cannot_save(redis: Redis, valkey: Valkey) -> AsyncIterator[None]:
    async def saved(outcome: str) -> bool:
        with contextlib.suppress(Exception):  # one is running already
            await redis.bgsave()
        return bool((await redis.info("persistence"))["rdb_last_bgsave_status"] == outcome)

    in_the_way = valkey.data_dir / "dump.rdb"
    in_the_way.unlink(missing_ok=True)
    in_the_way.mkdir()
    await redis.config_set("save", "3600 1")
    await wait_until_async(lambda: saved("err"), 10, "a save failed")
    try:
        yield
    finally:
        in_the_way.rmdir()
        await wait_until_async(lambda: saved("ok"), 10, "a save succeeded")
        await redis.config_set("save", "")


@asynccontextmanager
async def _too_few_replicas(redis: Redis, _: Valkey) -> AsyncIterator[None]:
    await redis.config_set("min-replicas-to-write", "1")
    try:
        yield
    finally:
        await redis.config_set("min-replicas-to-write", "0")


@asynccontextmanager
async def _no_permission(redis: Redis, _: Valkey) -> AsyncIterator[None]:
    await redis.acl_setuser("default", enabled=True, commands=["-set"])
    try:
        yield
    finally:
        await redis.acl_setuser("default", enabled=True, categories=["+@all"])


@asynccontextmanager
async def _no_scripts(redis: Redis, _: Valkey) -> AsyncIterator[None]:
    await redis.acl_setuser("default", enabled=True, categories=["-@scripting"])
    try:
        yield
    finally:
        await redis.acl_setuser("default", enabled=True, categories=["+@all"])


CAUSES = pytest.mark.parametrize(
    ("outage", "cause", "words"),
    [
        pytest.param(_read_only, "read-only", "read-only replica", id="READONLY"),
        pytest.param(_out_of_memory, "out-of-memory", "memory is full", id="OOM"),
        pytest.param(_cannot_save, "cannot-save", "cannot save", id="MISCONF"),
        pytest.param(_too_few_replicas, "too-few-replicas", "too few replicas", id="NOREPLICAS"),
        pytest.param(_no_permission, "no-permission", "access rules", id="NOPERM"),
        pytest.param(_no_scripts, "no-permission", "access rules", id="NOPERM for scripts"),
    ],
    indirect=["outage"],
)


@dataclass
class Outage:
    """One way to refuse writes, over the test's own server."""

    breaks: Break
    redis: Redis
    valkey: Valkey

    def happens(self) -> AbstractAsyncContextManager[None]:
        """Until the context is left."""
        return self.breaks(self.redis, self.valkey)


@pytest.fixture
async def outage(request: pytest.FixtureRequest, redis: Redis, valkey: Valkey) -> Outage:
    return Outage(request.param, redis, valkey)


@CAUSES
async def test_describe_names_the_cause_and_reads_continue(
    edge: Edge, cache: ForecastCache, outage: Outage, cause: str, words: str
) -> None:
    await _run(edge, parts.request())
    async with outage.happens():
        error = await _refused_description(edge)
        assert (error.reason, error.metadata) == (errors.UNAVAILABLE, {"cacheCause": cause})
        assert words in error.detail
        assert LOOPBACK not in error.detail
        assert REFUSED.labels(cause)._value.get() == 1
        assert await cache.answers(), "readiness follows reads"
        [cached] = (await edge.stub.GetForecasts(pb.GetForecastsRequest(keys=[key()]))).forecasts
        assert cached.freshness == pb.FRESHNESS_FRESH
    await wait_until_async(lambda: _described(edge), 10, "slots are offered again")
    assert REFUSED.labels(cause)._value.get() == 0


async def test_a_redis_that_does_not_answer_is_named_before_its_own_timeouts(edge: Edge, redis: Redis) -> None:
    await redis.client_pause(4_000)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.stub.Describe(pb.DescribeRequest(), timeout=3)  # two tries of a command take 4 s
    error = from_rpc_error(caught.value, service="the forecaster")
    assert (error.reason, error.metadata) == (errors.UNAVAILABLE, {"cacheCause": "unanswered"})
    await wait_until_async(lambda: _described(edge), 10, "slots are offered again")


@CAUSES
async def test_a_concurrent_run_fails_because_of_the_cache_and_not_its_job(
    edge: Edge, engine: StandInEngine, outage: Outage, cause: str, words: str
) -> None:
    engine.hold()
    run = asyncio.create_task(_run(edge, parts.request()))
    await engine.computing.wait()
    async with outage.happens():
        engine.released.set()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await run
        error = from_rpc_error(caught.value, service="the forecaster")
        assert (error.reason, error.metadata) == (errors.UNAVAILABLE, {"cacheCause": cause})
        assert words in error.detail
        assert error.retry_after is not None
        assert error.retry_after >= 1


async def test_a_key_of_the_wrong_type_is_a_failure_of_its_job(edge: Edge, redis: Redis) -> None:
    await redis.rpush("warmup-lock:costco-vs-ikea:12m:US:0f3a0f3a0f3a0f3a", "not a lease")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _run(edge, parts.request())
    assert from_rpc_error(caught.value, service="the forecaster").metadata == {}
    assert await _described(edge)


async def test_a_probe_leaves_one_small_key_that_expires(edge: Edge, redis: Redis) -> None:
    assert await _described(edge)
    assert await redis.keys("*") == [b"warmup-probe"]
    assert await redis.strlen("warmup-probe") == 1
    assert 0 < await redis.ttl("warmup-probe") <= 60


async def test_many_callers_share_a_probe(edge: Edge, redis: Redis) -> None:
    await edge.stub.Describe(pb.DescribeRequest())
    await redis.config_resetstat()
    await asyncio.gather(*(edge.stub.Describe(pb.DescribeRequest()) for _ in range(40)))
    assert (await redis.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"] <= 1


@dataclass
class Name:
    """A name for a server that can come to mean another one; connections stay where they are, as with DNS."""

    target: int
    port: int = 0

    @asynccontextmanager
    async def resolved(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._forward, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        yield
        server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection(LOOPBACK, self.target)
        await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))


async def test_every_connection_reaches_a_new_primary(redis_url: str, valkey: Valkey, tmp_path: Path) -> None:
    promoted = Valkey(tmp_path / "promoted", settings={"appendonly": "no"})
    promoted.start()
    async with Redis.from_url(promoted.url) as client:
        # A client that resolves the name reaches both.
        await client.config_set("requirepass", str(urlsplit(redis_url).password))
    old = connect(redis_url, connections=2)
    primary = Name(valkey.port)
    async with primary.resolved():
        named = connect(redis_url.replace(str(valkey.port), str(primary.port)), connections=2)
        cache = ForecastCache(named)
        await asyncio.gather(*(cache.read([name()]) for _ in range(8)))
        assert len(_clients(await old.client_list())) == 2
        await old.replicaof(LOOPBACK, str(free_port()))
        try:
            primary.target = promoted.port
            pair = BundlePair(3, "1", START, b"{}", b"{}", b"null")
            await cache.store(name(), pair, now=START)  # refused, then repeated on the new primary
            assert await asyncio.gather(*(cache.read([name()]) for _ in range(8))) == [[pair]] * 8
            assert not _clients(await old.client_list())
        finally:
            await old.replicaof("NO", "ONE")
            await named.aclose()
            await old.aclose()
            promoted.stop()


@pytest.mark.parametrize(("policy", "evicts"), [("noeviction", False), ("allkeys-lru", True), ("volatile-ttl", True)])
async def test_an_evicting_policy_is_detected(cache: ForecastCache, redis: Redis, policy: str, evicts: bool) -> None:
    await redis.config_set("maxmemory-policy", policy)
    try:
        server = await cache.server()
        assert (server.eviction_policy, server.evicts) == (policy, evicts)
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _clients(listed: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those of the cache under test: they have run its script or read for it, and came through the name."""
    return [client for client in listed if client["cmd"] != "client|list"]


async def _run(edge: Edge, asked: pb.GenerateForecastsRequest) -> None:
    async for _ in edge.stub.GenerateForecasts(asked, metadata=AUTHORISED):
        pass


async def _described(edge: Edge) -> bool:
    try:
        await edge.stub.Describe(pb.DescribeRequest())
    except grpc.aio.AioRpcError:
        return False
    return True


async def _refused_description(edge: Edge) -> WarmcastError:
    """The first refusal: a description that was made a moment ago is good for a second."""

    async def refused() -> WarmcastError | None:
        try:
            await edge.stub.Describe(pb.DescribeRequest())
        except grpc.aio.AioRpcError as error:
            return from_rpc_error(error, service="the forecaster")
        return None

    error = await wait_until_async(refused, 10, "no slots are offered")
    assert error is not None
    return error
