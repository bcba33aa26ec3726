"""docs/how-to/rotate-secrets.md: three steps, a restart of all in each, and no call fails."""

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
from tests.e2e.test_rolling_restart import load_of, takes_calls
from tests.waiting import wait_until_async

OLD, NEW = "the secret of before", "the secret of today"
# WARMUP_SECRET and WARMUP_SECRET_PREVIOUS of each step.
STEPS = ((OLD, NEW), (NEW, OLD), (NEW, ""))
KEY = {"slug": "amazon-vs-costco", "tf": "5y", "geo": "US", "force": True}
CALLS_BETWEEN = 50  # that go through between two restarts, at least
_LISTENS = {"forecaster": "FORECASTER_LISTEN", "jobs": "JOBS_LISTEN"}
_REFUSED = re.compile(rb'calls_total{code="UNAUTHENTICATED".*} [1-9]')  # the series are there from the start, at 0


@pytest.fixture
def replicas(database_url: str, redis_url: str) -> Iterator[list[list[Service]]]:
    """Two of each service that only know the old secret: those that are restarted together."""
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
    for replica, together in enumerate(started):
        for name, pair in ports.items():
            own = f"{LOOPBACK}:{pair[replica]}"
            if name == "gateway":
                variables, ready = {"GATEWAY_PORT": str(pair[replica])}, partial(http_ready, LOOPBACK, pair[replica])
            else:
                variables, ready = {_LISTENS[name]: own}, partial(grpc_ready, own)
            together.append(Service(name, {**common, **variables, "METRICS_PORT": str(free_port())}, ready, print))
    supervisor = Supervisor(print)
    supervisor.start(*started[0], *started[1])
    yield started
    supervisor.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_no_call_fails_and_the_old_secret_is_refused_in_the_end(
    replicas: list[list[Service]], database_url: str
) -> None:
    gateways = [pod for together in replicas for pod in together if pod.name == "gateway"]
    asked = Counter[Service]()  # who is being asked, by how many
    sent = OLD
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:

        async def post(path: str, content: bytes, kind: str) -> None:
            gateway = random.choice(gateways)
            url = f"http://{LOOPBACK}:{gateway.environment['GATEWAY_PORT']}{path}"
            headers = {"X-Warmup-Secret": sent, "Content-Type": kind}
            asked[gateway] += 1
            try:
                (await http.post(url, content=content, headers=headers)).raise_for_status()
            finally:
                asked[gateway] -= 1

        import_data = partial(post, "/api/comparisons", export(), "text/csv")
        # Each is run by a forecaster, to which jobs sends the secret that it has.
        warm = partial(post, "/api/comparison/warmup", json.dumps(KEY).encode(), "application/json")
        await import_data()
        load = load_of(import_data, warm)
        async with load.running():
            for current, previous in STEPS:
                for together in replicas:
                    gateway = next(pod for pod in together if pod in gateways)
                    gateways.remove(gateway)  # as a balancer would, before it ends
                    await wait_until_async(partial(_nobody_asks, asked, gateway), 60, "its callers are answered")
                    await _restart(together, WARMUP_SECRET=current, WARMUP_SECRET_PREVIOUS=previous)
                    gateways.append(gateway)
                    await wait_until_async(partial(_called, load, load.done + CALLS_BETWEEN), 60, "calls go on")
                sent = current  # callers move once everybody knows what they will send
        print(f"{load.done} calls, {load.failures.total()} failed")
        assert not load.failures
        for together in replicas:
            _require_that_nobody_was_refused(together)
        sent = OLD
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            await warm()
    with psycopg.connect(database_url) as connection:
        runs = connection.execute("SELECT max(lease_id) FROM warmup_jobs").fetchone()
    assert runs is not None
    assert runs[0] > 2 * len(STEPS), "it was run over and over"


async def _restart(together: Sequence[Service], **secrets: str) -> None:
    """As a rollout of all does, one replica of each at a time; it is over once callers have found the new ones."""
    _require_that_nobody_was_refused(together)
    await asyncio.gather(*(asyncio.to_thread(pod.stop) for pod in together))
    for pod in together:
        pod.environment.update(secrets)
        pod.launch()
    for pod in together:
        await wait_until_async(partial(asyncio.to_thread, pod.ready), 60, f"{pod.name} is ready")
    for pod in together:
        if pod.name != "gateway":
            await wait_until_async(partial(asyncio.to_thread, takes_calls, pod), 60, f"{pod.name} takes calls again")


def _require_that_nobody_was_refused(pods: Sequence[Service]) -> None:
    for pod in pods:
        with urlopen(f"http://{LOOPBACK}:{pod.environment['METRICS_PORT']}/metrics", timeout=10) as metrics:
            assert not _REFUSED.search(metrics.read()), f"{pod.name} refused a caller"


async def _nobody_asks(asked: Counter[Service], gateway: Service) -> bool:
    return not asked[gateway]


async def _called(load: Load, times: int) -> bool:
    return load.done >= times
