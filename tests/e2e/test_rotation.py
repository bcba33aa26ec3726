"""docs/how-to/rotate-secrets.md: three steps with a restart of all services each, and no call fails."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.request import urlopen

import httpx
import psycopg
import pytest

from devstack.processes.supervisor import Supervisor
from devstack.product import Service
from devstack.readiness import grpc_ready, http_ready
from devstack.stores.ports import LOOPBACK, free_port
from rehearsal.load import Load
from tests.e2e.calls import export
from tests.e2e.conftest import machine
from tests.e2e.test_rolling_restart import load_of, receives_calls
from tests.waiting import wait_until_async

OLD, NEW = "the previous secret", "the current secret"
# WARMUP_SECRET and WARMUP_SECRET_PREVIOUS of each step.
STEPS = ((OLD, NEW), (NEW, OLD), (NEW, ""))
KEY = {"slug": "amazon-vs-costco", "tf": "5y", "geo": "US", "force": True}
CALLS_BETWEEN = 50  # successful calls between two restarts
_LISTENS = {"forecaster": "FORECASTER_LISTEN", "jobs": "JOBS_LISTEN"}
_REFUSED = re.compile(rb'calls_total{code="UNAUTHENTICATED".*} [1-9]')  # the series exist from the start, with 0


@pytest.fixture
def replicas(database_url: str, redis_url: str) -> Iterator[list[list[Service]]]:
    """Two replicas of each service with the old secret, in two groups that are restarted together."""
    ports = {name: (free_port(), free_port()) for name in ("forecaster", "jobs", "gateway")}
    address = {name: "ipv4:" + ",".join(f"{LOOPBACK}:{port}" for port in pair) for name, pair in ports.items()}
    common = {
        **machine(),
        "LOG_FORMAT": "console",
        "PYTHONUNBUFFERED": "1",
        "DRAIN_SECONDS": "10",
        "WORKER_SLOTS": "1",
        "WARMUP_SECRET": OLD,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JOBS_ADDR": address["jobs"],
        "FORECASTER_ADDR": address["forecaster"],
    }
    started: list[list[Service]] = [[], []]
    for replica, group in enumerate(started):
        for name, pair in ports.items():
            own = f"{LOOPBACK}:{pair[replica]}"
            if name == "gateway":
                variables, ready = {"GATEWAY_PORT": str(pair[replica])}, partial(http_ready, LOOPBACK, pair[replica])
            else:
                variables, ready = {_LISTENS[name]: own}, partial(grpc_ready, own)
            group.append(Service(name, {**common, **variables, "METRICS_PORT": str(free_port())}, ready, print))
    supervisor = Supervisor(print)
    supervisor.start(*started[0], *started[1])
    yield started
    supervisor.stop()


@pytest.mark.slow
async def test_a_rotation_fails_no_call_and_ends_with_the_old_secret_refused(
    replicas: list[list[Service]], database_url: str
) -> None:
    gateways = [pod for group in replicas for pod in group if pod.name == "gateway"]
    in_flight = Counter[Service]()  # requests per gateway
    sent = OLD
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:

        async def post(path: str, content: bytes, kind: str) -> None:
            gateway = random.choice(gateways)
            url = f"http://{LOOPBACK}:{gateway.environment['GATEWAY_PORT']}{path}"
            headers = {"X-Warmup-Secret": sent, "Content-Type": kind}
            in_flight[gateway] += 1
            try:
                (await http.post(url, content=content, headers=headers)).raise_for_status()
            finally:
                in_flight[gateway] -= 1

        import_data = partial(post, "/api/comparisons", export(), "text/csv")
        # Runs on a forecaster, to which jobs sends its secret.
        warm = partial(post, "/api/comparison/warmup", json.dumps(KEY).encode(), "application/json")
        await import_data()
        load = load_of(import_data, warm)
        async with load.running():
            for current, previous in STEPS:
                for group in replicas:
                    gateway = next(pod for pod in group if pod in gateways)
                    gateways.remove(gateway)  # as a load balancer does before the gateway ends
                    await wait_until_async(partial(_is_idle, in_flight, gateway), 60, "its requests are answered")
                    await _restart(group, WARMUP_SECRET=current, WARMUP_SECRET_PREVIOUS=previous)
                    gateways.append(gateway)
                    await wait_until_async(partial(_done, load, load.done + CALLS_BETWEEN), 60, "calls succeed")
                sent = current  # clients change their secret once all services accept it
        print(f"{load.done} calls, {load.failures.total()} failed")
        assert not load.failures
        for group in replicas:
            _require_no_refusals(group)
        sent = OLD
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            await warm()
    with psycopg.connect(database_url) as connection:
        runs = connection.execute("SELECT max(lease_id) FROM warmup_jobs").fetchone()
    assert runs is not None
    assert runs[0] > 2 * len(STEPS), "jobs ran during the rotation"


async def _restart(group: Sequence[Service], **secrets: str) -> None:
    """Restarts one replica of each service, as a rollout does, and waits until they receive calls."""
    _require_no_refusals(group)
    await asyncio.gather(*(asyncio.to_thread(pod.stop) for pod in group))
    for pod in group:
        pod.environment.update(secrets)
        pod.launch()
    for pod in group:
        await wait_until_async(partial(asyncio.to_thread, pod.ready), 60, f"{pod.name} is ready")
    for pod in group:
        if pod.name != "gateway":
            await wait_until_async(
                partial(asyncio.to_thread, receives_calls, pod), 60, f"{pod.name} receives calls again"
            )


def _require_no_refusals(pods: Sequence[Service]) -> None:
    for pod in pods:
        with urlopen(f"http://{LOOPBACK}:{pod.environment['METRICS_PORT']}/metrics", timeout=10) as metrics:
            assert not _REFUSED.search(metrics.read()), f"{pod.name} refused a caller"


async def _is_idle(in_flight: Counter[Service], gateway: Service) -> bool:
    return not in_flight[gateway]


async def _done(load: Load, times: int) -> bool:
    return load.done >= times
