"""Rolling restarts under load: every replica is restarted in turn, and no call fails."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import grpc
import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2, forecaster_pb2_grpc
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc

from devstack.processes.supervisor import Supervisor
from devstack.product import Service
from devstack.readiness import grpc_ready, http_ready
from devstack.stores.ports import LOOPBACK, free_port
from rehearsal.keep_alive import KeepAliveClient
from rehearsal.load import Call, Load
from services.common.rpc import metadata, services
from services.common.rpc.client.channel import open_channel
from tests.e2e.calls import AMAZON, PREMIUM
from tests.e2e.conftest import SECRET, Product, machine
from tests.e2e.conftest import Call as Caller
from tests.waiting import wait_until_async

REPLICAS = 2
CALLERS = 8  # calls of each kind in flight
PAUSE = 0.005  # seconds between two calls; limits the load for machines with two processors
CALLS_BETWEEN = 200  # successful calls while one replica is stopped
SENT = metadata.outgoing(secret=SECRET)
KEY = jobs_pb2.ComparisonKey(slug="amazon-vs-costco", timeframe="12m")


@pytest.fixture
def replicas(database_url: str, redis_url: str) -> Iterator[Callable[..., list[Service]]]:
    """Starts REPLICAS of a service with these variables, and stops them before the stores."""
    supervisor = Supervisor(print)

    def start(name: str, listen: str, **variables: str) -> list[Service]:
        ports = [(free_port(), free_port()) for _ in range(REPLICAS)]
        common = {
            **machine(),
            "LOG_FORMAT": "console",
            "PYTHONUNBUFFERED": "1",
            "DRAIN_SECONDS": "10",
            "WARMUP_SECRET": SECRET,
            "WORKER_SLOTS": "2",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            **variables,
        }
        started = []
        for port, metrics in ports:
            address = f"{LOOPBACK}:{port}"
            environment = {**common, listen: address, "METRICS_PORT": str(metrics)}
            started.append(Service(name, environment, partial(grpc_ready, address), print))
        supervisor.start(*started)
        return started

    yield start
    supervisor.stop()


@pytest.mark.slow
async def test_a_rolling_restart_of_jobs_fails_no_call(replicas: Callable[..., list[Service]]) -> None:
    running = replicas("jobs", "JOBS_LISTEN", FORECASTER_ADDR=f"{LOOPBACK}:{free_port()}")
    async with _channel(running, "JOBS_LISTEN", services.JOBS) as channel:
        stub: jobs_pb2_grpc.JobsServiceAsyncStub = jobs_pb2_grpc.JobsServiceStub(channel)
        await stub.IngestSnapshot(_snapshot(), timeout=30, metadata=SENT)

        async def read() -> object:
            return await stub.GetWarmup(jobs_pb2.GetWarmupRequest(key=KEY), timeout=20)

        async def write() -> object:
            request = jobs_pb2.TriggerWarmupRequest(key=KEY)
            return await stub.TriggerWarmup(request, timeout=20, metadata=SENT)

        async def import_data() -> object:
            return await stub.IngestSnapshot(_snapshot(), timeout=20, metadata=SENT)

        await _restart_each(running, load_of(read, write, import_data))


@pytest.mark.slow
async def test_a_rolling_restart_of_the_forecaster_fails_no_call(replicas: Callable[..., list[Service]]) -> None:
    running = replicas("forecaster", "FORECASTER_LISTEN", BEAT_SECONDS="0.2")
    async with _channel(running, "FORECASTER_LISTEN", services.FORECASTER) as channel:
        stub: forecaster_pb2_grpc.ForecasterServiceAsyncStub = forecaster_pb2_grpc.ForecasterServiceStub(channel)
        lease = 0

        async def read() -> object:
            return await stub.GetForecasts(forecaster_pb2.GetForecastsRequest(keys=[_run(1).key]), timeout=20)

        async def compute() -> object:
            nonlocal lease
            lease += 1
            call = stub.GenerateForecasts(_run(lease), timeout=60, metadata=SENT)
            events = [event.WhichOneof("event") async for event in call]
            assert events[-1] == "result"
            return events

        load, computing = load_of(read), load_of(_one_at_a_time(compute))
        async with computing.running():
            await _restart_each(running, load)
        assert computing.done > REPLICAS
        assert not computing.failures


@pytest.mark.slow
async def test_a_rolling_restart_of_the_gateway_fails_no_request(running_product: Product, call: Caller) -> None:
    call(running_product).ingest()
    call(running_product).until("ready")
    running = _gateways(running_product)
    supervisor = Supervisor(print)
    async with contextlib.AsyncExitStack() as ends:
        ends.callback(supervisor.stop)
        await asyncio.to_thread(supervisor.start, *running)
        clients = [
            await ends.enter_async_context(httpx.AsyncClient(base_url=_base_url(each), timeout=20, trust_env=False))
            for each in running
        ]
        ready = list(clients)

        async def follow() -> None:
            # As a load balancer does: by readiness, with a short delay.
            while True:
                ready[:] = [http for http in clients if await _is_ready(http)] or ready
                await asyncio.sleep(0.1)

        async def fetch() -> object:
            response = await random.choice(ready).get(PREMIUM, params=AMAZON)
            response.raise_for_status()
            return response.json()["warmupStatus"]

        following = asyncio.create_task(follow())
        ends.callback(following.cancel)

        def endpoint() -> str:
            return random.choice(ready).base_url.netloc.decode()

        connections = [KeepAliveClient(endpoint) for _ in range(CALLERS)]
        for each in connections:
            ends.callback(each.close)
        target = f"{PREMIUM}?{urlencode(AMAZON)}"
        load = Load([*[fetch] * CALLERS, *(partial(each.get, target) for each in connections)], PAUSE)
        async with load.running():
            for service, http in zip(running, clients, strict=True):
                await asyncio.to_thread(service.stop)
                assert not service.running
                await wait_until_async(partial(_done, load, load.done + CALLS_BETWEEN), 60, "the other gateway answers")
                service.launch()
                await wait_until_async(partial(_contains, http, ready), 60, "the restarted gateway is ready")
                await wait_until_async(partial(_done, load, load.done + CALLS_BETWEEN), 60, "both gateways answer")
    print(f"{load.done} requests, {load.failures.total()} failed")
    assert not load.failures


async def _contains(http: httpx.AsyncClient, ready: list[httpx.AsyncClient]) -> bool:
    return http in ready


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def _gateways(product: Product) -> list[Service]:
    started = []
    for _ in range(REPLICAS):
        port = free_port()
        environment = {**product.environment, "GATEWAY_PORT": str(port)}
        del environment["LAME_DUCK_SECONDS"]  # the default is long enough
        started.append(Service("gateway", environment, partial(http_ready, LOOPBACK, port), print))
    return started


def _base_url(service: Service) -> str:
    return f"http://{LOOPBACK}:{service.environment['GATEWAY_PORT']}"


async def _restart_each(running: list[Service], load: Load) -> None:
    """Restarts the replicas one after the other, each once clients call the previous one again (minReadySeconds)."""
    async with load.running():
        for service in running:
            await wait_until_async(partial(asyncio.to_thread, receives_calls, service), 60, "it receives calls")
            await asyncio.to_thread(service.stop)
            assert not service.running
            without = load.done + CALLS_BETWEEN
            await wait_until_async(partial(_done, load, without), 60, "calls succeed without it")
            service.launch()
            await wait_until_async(partial(asyncio.to_thread, receives_calls, service), 60, "it receives calls again")
    print(f"{load.done} calls, {load.failures.total()} failed")
    assert not load.failures


async def _done(load: Load, times: int) -> bool:
    return load.done >= times


def load_of(*calls: Call) -> Load:
    """CALLERS concurrent callers of each call."""
    return Load([call for call in calls for _ in range(CALLERS)], PAUSE)


def receives_calls(service: Service) -> bool:
    """Whether the process has answered a call, by its metrics, which start at 0 with each process."""
    try:
        with urlopen(f"http://{LOOPBACK}:{service.environment['METRICS_PORT']}/metrics", timeout=5) as metrics:
            # The series of each method exists from the start, with 0.
            counts = re.findall(rb'^warmcast_rpc_calls_total\{code="OK".*\} (\S+)$', metrics.read(), re.MULTILINE)
            return any(float(count) > 0 for count in counts)
    except URLError:
        return False


def _channel(running: list[Service], listen: str, service: services.Service) -> grpc.aio.Channel:
    # Without retries: the servers must make them unnecessary.
    once = services.Service(service.name, service.called, idempotent=())
    return open_channel("ipv4:" + ",".join(each.environment[listen] for each in running), once)


def _one_at_a_time(call: Call) -> Call:
    lock = asyncio.Lock()

    async def locked() -> object:
        async with lock:
            return await call()

    return locked


def _snapshot() -> jobs_pb2.IngestSnapshotRequest:
    start = datetime(2024, 1, 7, tzinfo=UTC)
    points = [
        jobs_pb2.SeriesPoint(date=(start + timedelta(weeks=n)).date().isoformat(), values=(n % 50 + 1, 50))
        for n in range(53)
    ]
    series = jobs_pb2.Series(terms=["amazon", "costco"], points=points)
    return jobs_pb2.IngestSnapshotRequest(series=series, timeframe="12m", geo="")


def _run(lease: int) -> forecaster_pb2.GenerateForecastsRequest:
    start = datetime(2024, 1, 7, tzinfo=UTC)
    times = [Timestamp(seconds=int((start + timedelta(weeks=n)).timestamp())) for n in range(53)]
    return forecaster_pb2.GenerateForecastsRequest(
        key=forecaster_pb2.SnapshotKey(
            slug="amazon-vs-costco", term_a="amazon", term_b="costco", timeframe="12m", data_hash=f"{lease:016x}"
        ),
        times=times,
        values_a=[n % 50 + 1 for n in range(53)],
        values_b=[50.0 + n % 3 for n in range(53)],
        source="test",
        last_updated_at=times[-1],
        lease_id=lease,
    )
