"""Several forecasters: throughput grows with replicas, and two engine versions do not recompute in circles."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import grpc
import pytest
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc

from devstack.processes.child import Child
from devstack.readiness import grpc_ready
from devstack.settings import CHECKOUT
from devstack.stores.ports import LOOPBACK, free_port
from tests.e2e.calls import Caller, export
from tests.e2e.conftest import Call, Product, StartProduct
from tests.e2e.intervals import AGE_READY_JOBS
from tests.integration.forecaster import sleeping
from tests.waiting import wait_until

SOON = 5.0  # seconds in which jobs must notice a change
SLEEP = 1.5  # seconds for each of the two series of a run; long beside the processor time that a run takes
SLOTS = 2
JOBS = 64
_MODULE = (sys.executable, "-m", "tests.integration.forecaster.sleeping")


@dataclass
class Fleet:
    """Forecasters on ports that jobs is configured with from the start."""

    ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(3)])
    children: list[Child] = field(default_factory=list)

    @property
    def target(self) -> str:
        """The address for jobs and the gateway."""
        return "ipv4:" + ",".join(f"{LOOPBACK}:{port}" for port in self.ports)

    def start(self, product: Product, number: int, **variables: str) -> Child:
        """Starts a forecaster and waits until it is ready."""
        address = f"{LOOPBACK}:{self.ports[number]}"
        child = Child(f"forecaster {number}")
        self.children.append(child)
        environment = product.environment | {
            "FORECASTER_LISTEN": address,
            "WORKER_SLOTS": str(SLOTS),
            "ENGINE_SETTING": "naive",
            sleeping.SECONDS: str(SLEEP),
            **variables,
        }
        child.spawn(_MODULE, environment=environment, cwd=CHECKOUT)
        wait_until(lambda: grpc_ready(address), 60, f"forecaster {number} is ready")
        return child


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    yield fleet
    for child in fleet.children:
        child.kill_group()
        print(f"--- {child.name}\n{child.tail(30)}")


@pytest.fixture
def product(start_product: StartProduct, fleet: Fleet) -> Product:
    """The product with its own forecaster stopped."""
    product = start_product()
    product.stop("forecaster")
    product.restart("jobs", FORECASTER_ADDR=fleet.target)
    product.restart("gateway", FORECASTER_ADDR=fleet.target)
    return product


@pytest.mark.alone
def test_three_forecasters_run_almost_three_times_as_many_jobs_as_one(
    product: Product, call: Call, fleet: Fleet
) -> None:
    caller = call(product)
    fleet.start(product, 0)
    wait_until(lambda: _slots(product) == SLOTS, SOON, "one forecaster is counted")
    for number in range(JOBS):
        caller.ingest(export(f"term {number}", "costco", weeks=60))
    _queue_all(caller)
    wait_until(lambda: _ready(caller) >= 10, 60, "enough jobs have run on one forecaster")
    alone = _rate(caller, skip=1, count=8)

    others = [fleet.start(product, number) for number in (1, 2)]
    began = _ready(caller)
    wait_until(lambda: _slots(product) == 3 * SLOTS, SOON, "three forecasters are counted")
    wait_until(lambda: _ready(caller) >= began + 32, 60, "enough jobs have run on three forecasters")
    together = _rate(caller, skip=began + 7, count=24)
    print(f"runs a second: {alone:.2f} alone, {together:.2f} together, {together / alone:.2f} times")
    assert together >= 2.7 * alone

    others[0].send(signal.SIGSTOP)
    wait_until(lambda: _slots(product) == 2 * SLOTS, SOON, "the frozen forecaster is not counted")
    others[0].send(signal.SIGCONT)
    wait_until(lambda: _slots(product) == 3 * SLOTS, SOON, "the resumed forecaster is counted")
    others[1].kill()
    wait_until(lambda: _slots(product) == 2 * SLOTS, SOON, "the killed forecaster is not counted")


def test_two_engine_versions_at_the_same_time_do_not_recompute_in_circles(
    product: Product, call: Call, fleet: Fleet
) -> None:
    caller = call(product)
    slugs = [caller.ingest(export(f"term {number}", "costco", weeks=60))["slug"] for number in range(5)]
    fleet.start(product, 0, **{sleeping.SECONDS: "0", sleeping.VERSION: "9"})
    for slug in slugs:
        caller.until("ready", slug=slug)
    wait_until(lambda: _ready(caller) == 5, 60, "the runs have ended")
    assert _runs(caller) == 5
    caller.rows(AGE_READY_JOBS)  # or each refresh waits for a minute
    fleet.start(product, 1, **{sleeping.SECONDS: "0", sleeping.VERSION: "10"})
    wait_until(lambda: _status(product).engine_version == "10-naive", 30, "jobs knows the new version")

    def renewed() -> bool:
        """The gateway reads from both forecasters in turn, and an answer of either may enqueue a refresh."""
        answers = [caller.premium(slug) for slug in slugs for _ in range(4)]
        settled = not any(answer["stale"] or answer["refreshing"] for answer in answers)
        return settled and all(row["engine_version"] == "10-naive" for row in caller.rows())

    wait_until(renewed, 60, "both versions report all forecasts as fresh")
    for _ in range(10):
        assert renewed()
    assert _runs(caller) == 10, "one run per comparison and version"


def _queue_all(caller: Caller) -> None:
    for number in range(JOBS):
        caller.premium(f"costco-vs-term-{number}")


def _ready(caller: Caller) -> int:
    return int(caller.rows("SELECT count(*) AS ready FROM warmup_jobs WHERE status = 'ready'")[0]["ready"])


def _runs(caller: Caller) -> int:
    return int(caller.rows("SELECT last_value AS runs FROM warmup_lease_ids")[0]["runs"])


def _rate(caller: Caller, *, skip: int, count: int) -> float:
    """Runs per second over `count` runs, after the first `skip`."""
    ended: list[datetime] = [
        row["completed_at"]
        for row in caller.rows("SELECT completed_at FROM warmup_jobs WHERE status = 'ready' ORDER BY completed_at")
    ]
    return count / (ended[skip + count] - ended[skip]).total_seconds()


def _slots(product: Product) -> int:
    """The worker slots that jobs counts."""
    return _status(product).worker_slots


def _status(product: Product) -> jobs_pb2.GetStatusResponse:
    with grpc.insecure_channel(product.addresses.jobs_addr) as channel:
        return jobs_pb2_grpc.JobsServiceStub(channel).GetStatus(jobs_pb2.GetStatusRequest(), timeout=5)
