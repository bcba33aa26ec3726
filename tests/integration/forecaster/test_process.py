"""The service as a process, with the real engine: start, runs, failures, shutdown."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc

from devstack.processes.child import Child
from devstack.stores.ports import LOOPBACK, free_port
from devstack.stores.valkey import Valkey
from services.common import errors
from services.common.rpc.client.channel import open_channel
from services.common.rpc.server.server import READINESS
from services.common.rpc.status import from_rpc_error
from tests.integration.forecaster import sleeping
from tests.integration.forecaster.conftest import AUTHORISED
from tests.integration.forecaster.parts import key, request
from tests.integration.forecaster.processes import is_gone
from tests.waiting import wait_until, wait_until_async

MODULE = (sys.executable, "-m", "services.forecaster")
SLEEPING = (sys.executable, "-m", "tests.integration.forecaster.sleeping")
SCRIPT = (str(Path(sys.executable).parent / "warmcast"), "forecaster")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


class Forecaster:
    """One process of the service."""

    def __init__(self, child: Child, port: int) -> None:
        self.child, self.port = child, port

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[grpc.aio.Channel]:
        async with open_channel(f"{LOOPBACK}:{self.port}") as channel:
            yield channel

    async def is_ready(self) -> bool:
        """What a readiness probe gets to know."""
        async with self.channel() as channel:
            try:
                asked = health_pb2.HealthCheckRequest(service=READINESS)
                answer = await health_pb2_grpc.HealthStub(channel).Check(asked, timeout=2, wait_for_ready=True)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def is_not_ready(self) -> bool:
        """The contrary."""
        return not await self.is_ready()

    async def until_ready(self) -> None:
        await wait_until_async(self.is_ready, 60, f"the forecaster is ready:\n{self.child.tail()}")

    def workers(self) -> list[int]:
        """The worker processes' ids; the resource tracker of multiprocessing is none."""
        return [pid for pid in _descendants(self.child.pid) if "spawn_main" in _command(pid)]


Start = Callable[..., Forecaster]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a forecaster with the given variables; all are ended, whatever the test leaves."""
    started: list[Child] = []

    def launch(command: tuple[str, ...] = MODULE, **variables: str) -> Forecaster:
        child, port = Child("forecaster"), free_port()
        environment: Mapping[str, str] = {
            "PATH": os.defpath,
            "PYTHONWARNINGS": "error",
            "WARMUP_SECRET": AUTHORISED[0][1],
            "FORECASTER_LISTEN": f"{LOOPBACK}:{port}",
            "WORKER_SLOTS": "2",
            "BEAT_SECONDS": "0.1",
            "DRAIN_SECONDS": "5",
            "ENGINE_SETTING": "naive",
            **variables,
        }
        started.append(child)
        child.spawn(command, environment=environment)
        return Forecaster(child, port)

    yield launch
    for child in started:
        child.kill_group()


@on_linux
@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["python -m", "warmcast forecaster"])
async def test_it_computes_with_the_real_engine_in_clean_workers_and_stops_on_sigterm(
    start: Start, redis_url: str, command: tuple[str, ...]
) -> None:
    forecaster = start(command, REDIS_URL=redis_url, ENGINE_SETTING="full")
    await forecaster.until_ready()
    async with forecaster.channel() as channel:
        stub = pb_grpc.ForecasterServiceStub(channel)
        described = await stub.Describe(pb.DescribeRequest())
        result = await _generate(stub, request(1))
        [cached] = (await stub.GetForecasts(pb.GetForecastsRequest(keys=[key()]))).forecasts
    assert described.worker_slots == 2
    assert result.engine_version == described.engine_version
    assert len(result.term_a.points) == 13
    assert cached.freshness == pb.FRESHNESS_FRESH
    for term, made, stored in (
        ("Costco", result.term_a, cached.term_a_json),
        ("IKEA", result.term_b, cached.term_b_json),
    ):
        bundle = json.loads(stored)
        assert bundle["term"] == made.term == term
        assert bundle["engineVersion"] == described.engine_version
        assert bundle["forecastHash"] == made.forecast_hash
        assert [point["value"] for point in bundle["points"]] == [point.value for point in made.points]
    head_to_head = json.loads(cached.head_to_head_json)
    assert 0 <= head_to_head["winnerProbability"] <= 100
    assert len(head_to_head["margin"]) == 13
    assert {"peaks", "season"} <= json.loads(cached.insights_a_json).keys() == json.loads(cached.insights_b_json).keys()
    assert "leadLag" in json.loads(cached.together_json)
    assert {"id", "text"} <= json.loads(cached.interpretations_json)[0].keys()

    workers = forecaster.workers()
    assert len(workers) == 2
    for pid in workers:
        libraries = _libraries(pid)
        assert "numpy" in libraries
        assert "statsmodels" in libraries
        assert "cygrpc" not in libraries
        assert "hiredis" not in libraries
    parent = _libraries(forecaster.child.pid)
    assert "cygrpc" in parent
    for package in ("numpy", "statsmodels", "scipy", "pandas"):
        assert package not in parent

    everything = _descendants(forecaster.child.pid)
    forecaster.child.send(signal.SIGTERM)
    assert forecaster.child.wait(20), forecaster.child.tail()
    assert forecaster.child.exit_code == 0, forecaster.child.tail()
    for pid in everything:
        await asyncio.to_thread(wait_until, partial(is_gone, pid), 5, f"{pid} is gone")


@on_linux
async def test_sigterm_lets_running_computations_finish(start: Start, redis_url: str) -> None:
    forecaster = start(REDIS_URL=redis_url, ENGINE_SETTING="full", WORKER_SLOTS="1", DRAIN_SECONDS="30")
    await forecaster.until_ready()
    async with forecaster.channel() as channel:
        [busy] = forecaster.workers()
        os.kill(busy, signal.SIGSTOP)  # or it is done before it can be told to end
        events = aiter(pb_grpc.ForecasterServiceStub(channel).GenerateForecasts(request(1), metadata=AUTHORISED))
        assert (await anext(events)).HasField("beat")
        forecaster.child.send(signal.SIGTERM)
        await wait_until_async(forecaster.is_not_ready, 30, "it drains")
        os.kill(busy, signal.SIGCONT)
        assert len([event async for event in events][-1].result.term_b.points) == 13
    assert await asyncio.to_thread(forecaster.child.wait, 30)
    assert forecaster.child.exit_code == 0, forecaster.child.tail()


@on_linux
@pytest.mark.slow
async def test_running_computations_end_with_the_drain_period(start: Start, redis_url: str) -> None:
    forecaster = start(REDIS_URL=redis_url, WORKER_SLOTS="1", DRAIN_SECONDS="0.2")
    await forecaster.until_ready()
    async with forecaster.channel() as channel:
        [frozen] = forecaster.workers()
        os.kill(frozen, signal.SIGSTOP)
        events = aiter(pb_grpc.ForecasterServiceStub(channel).GenerateForecasts(request(1), metadata=AUTHORISED))
        assert (await anext(events)).HasField("beat")
        forecaster.child.send(signal.SIGTERM)
        assert await asyncio.to_thread(forecaster.child.wait, 30)
        with pytest.raises(grpc.aio.AioRpcError):
            async for _ in events:
                pass
    assert forecaster.child.exit_code == 0, forecaster.child.tail()
    assert is_gone(frozen)


@on_linux
async def test_its_workers_end_when_it_is_killed(start: Start, redis_url: str) -> None:
    forecaster = start(REDIS_URL=redis_url)
    await forecaster.until_ready()
    everything = _descendants(forecaster.child.pid)
    assert len(everything) >= 2
    forecaster.child.kill()
    for pid in everything:
        await asyncio.to_thread(wait_until, partial(is_gone, pid), 5, f"{pid} is gone")


@on_linux
async def test_a_worker_killed_during_a_run_fails_that_run_and_the_next_one_succeeds(
    start: Start, redis_url: str, tmp_path: Path
) -> None:
    mark = tmp_path / "a worker computes"
    sleeps = {sleeping.SECONDS: "2", sleeping.MARK: str(mark)}
    forecaster = start(SLEEPING, REDIS_URL=redis_url, WORKER_SLOTS="1", **sleeps)
    await forecaster.until_ready()
    async with forecaster.channel() as channel:
        stub = pb_grpc.ForecasterServiceStub(channel)
        [victim] = forecaster.workers()
        events = aiter(stub.GenerateForecasts(request(1), metadata=AUTHORISED))
        assert (await anext(events)).HasField("beat")
        await asyncio.to_thread(wait_until, mark.exists, 30, "it computes")
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in events:
                pass
        error = from_rpc_error(caught.value, service="the forecaster")
        assert (error.reason, error.detail) == (errors.UNAVAILABLE, "the worker process ended")
        assert not (await _generate(stub, request(2))).adopted


async def test_it_waits_for_redis_at_start_and_after_an_outage(start: Start, tmp_path: Path) -> None:
    valkey = Valkey(tmp_path / "valkey", settings={"appendonly": "no"})
    valkey.start()
    valkey.stop()
    forecaster = start(REDIS_URL=valkey.url)
    await asyncio.to_thread(wait_until, lambda: "workers are warm" in forecaster.child.tail(), 60, "it is warm")
    assert not await forecaster.is_ready()
    async with forecaster.channel() as channel:
        stub = pb_grpc.ForecasterServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetForecasts(pb.GetForecastsRequest(keys=[key()]))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    valkey.start()
    try:
        await forecaster.until_ready()
        valkey.kill()

        async def is_not_ready() -> bool:
            return not await forecaster.is_ready()

        await wait_until_async(is_not_ready, 30, "it is not ready without Redis")
    finally:
        valkey.stop()


async def test_a_redis_cluster_is_refused(start: Start, tmp_path: Path) -> None:
    # The cluster bus port is 10,000 higher by default, which may not exist.
    settings = {"appendonly": "no", "cluster-enabled": "yes", "cluster-port": str(free_port())}
    cluster = Valkey(tmp_path / "cluster", settings=settings)
    cluster.start()
    try:
        forecaster = start(REDIS_URL=cluster.url)
        assert await asyncio.to_thread(forecaster.child.wait, 60)
        assert forecaster.child.exit_code == 2
        assert "REDIS_URL names a Redis in cluster mode" in forecaster.child.tail()
    finally:
        cluster.stop()


async def test_a_port_in_use_is_named(start: Start, redis_url: str) -> None:
    first = start(REDIS_URL=redis_url)
    await asyncio.to_thread(wait_until, lambda: "listening" in first.child.tail(), 60, "it listens")
    second = start(REDIS_URL=redis_url, FORECASTER_LISTEN=f"{LOOPBACK}:{first.port}")
    assert await asyncio.to_thread(second.child.wait, 60)
    assert second.child.exit_code == 1
    assert f"cannot listen on {LOOPBACK}:{first.port}" in second.child.tail()


def test_invalid_settings_end_the_process_at_once(start: Start) -> None:
    forecaster = start(WORKER_SLOTS="none")
    assert forecaster.child.wait(30)
    assert forecaster.child.exit_code == 2
    assert "configuration: WORKER_SLOTS" in forecaster.child.tail()


async def _generate(
    stub: pb_grpc.ForecasterServiceAsyncStub, asked: pb.GenerateForecastsRequest
) -> pb.GeneratedForecasts:
    last = [event async for event in stub.GenerateForecasts(asked, metadata=AUTHORISED, timeout=60)][-1]
    assert last.HasField("result")
    return last.result


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return children + [further for child in children for further in _descendants(child)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _libraries(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text()
