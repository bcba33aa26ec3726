"""Comparisons, and callers that request them."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import grpc
import httpx
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc

from services.common.rpc import metadata
from tests.chaos.world import SECRET, World

TIMEFRAME = "12m"
_CALLERS = 12
_TIMEOUT = 3.0  # seconds for one response
_RETRY = 0.3  # seconds before a failed call is repeated
_WEEKS = 52


def stub(address: str) -> jobs_pb2_grpc.JobsServiceStub:
    """A client of one jobs process, with a channel of its own."""
    return jobs_pb2_grpc.JobsServiceStub(grpc.insecure_channel(address))


def authorised() -> metadata.Metadata:
    """Metadata with the warmup secret."""
    return metadata.outgoing(secret=SECRET)


def ingest(world: World, count: int) -> list[str]:
    """Imports that many comparisons of 52 weeks with synthetic values, and returns their slugs."""
    clients = [stub(address) for address in world.jobs_addresses]

    def one(number: int) -> str:
        request = pb.IngestSnapshotRequest(
            series=pb.Series(terms=[f"a{number}", f"b{number}"], points=_points(number)), timeframe=TIMEFRAME, geo="US"
        )
        return str(clients[number % 2].IngestSnapshot(request, timeout=30, metadata=authorised()).slug)

    with ThreadPoolExecutor(_CALLERS) as callers:
        return list(callers.map(one, range(count)))


class Callers:
    """Steady demand: requests every slug once, spread evenly over a time, and forces new runs of slugs known by then.

    The clock sets the demand, well below the product's capacity. So the rate of `ready` shows how long a fault has an
    effect: it falls while no job runs, rises above the demand while the backlog drains, and then equals the demand.
    """

    def __init__(self, world: World, slugs: Sequence[str], *, seconds: float, again: int, seed: int) -> None:
        """`again` is the number of forced runs for each first call."""
        self._world = world
        self._all = list(slugs)
        self._again = again
        self._interval = seconds / (len(slugs) * (1 + again))
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self._ticks = 0
        self.calls = 0
        self.failed = 0  # calls without a successful response
        self._threads = [threading.Thread(target=self._call, name=f"caller {n}", daemon=True) for n in range(_CALLERS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stops all callers."""
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def _call(self) -> None:
        with client(self._world) as http:
            while not self._ended.is_set():
                slug, forced, wait = self._next()
                if self._ended.wait(wait):
                    return
                while not self._answered(http, slug, forced):
                    if self._ended.wait(_RETRY):
                        return

    def _answered(self, http: httpx.Client, slug: str, forced: bool) -> bool:
        answered = force(http, slug) if forced else fetch_is_warm(http, slug) is not None
        with self._lock:
            self.calls += 1
            self.failed += not answered
        return answered

    def _next(self) -> tuple[str, bool, float]:
        with self._lock:
            due = self._begun + self._ticks * self._interval
            turn, place = divmod(self._ticks, 1 + self._again)
            self._ticks += 1
            # After the first call for each slug all calls are forced, so that the rate stays the same.
            forced = place > 0 or turn >= len(self._all)
            slug = self._random.choice(self._all[: turn + 1]) if forced else self._all[turn]
        return slug, forced, max(due - time.monotonic(), 0)


def client(world: World) -> httpx.Client:
    """An HTTP client of the gateway."""
    return httpx.Client(base_url=world.gateway_url, timeout=_TIMEOUT, trust_env=False)


def fetch_is_warm(http: httpx.Client, slug: str) -> bool | None:
    """Whether the premium answer has fresh forecasts of the newest data; None without an answer."""
    try:
        response = http.get("/api/comparison/premium", params={"slug": slug, "tf": TIMEFRAME, "geo": "US"})
    except httpx.HTTPError:
        return None
    if response.status_code != 200:
        return None
    body = response.json()
    return bool(body["warmupStatus"] == "ready" and body["forecastAvailable"] and not body["stale"])


def force(http: httpx.Client, slug: str) -> bool:
    """Forces a new run of a comparison; returns whether the call succeeded."""
    try:
        response = http.post(
            "/api/comparison/warmup",
            json={"slug": slug, "tf": TIMEFRAME, "geo": "US", "force": True},
            headers={"X-Warmup-Secret": SECRET},
        )
    except httpx.HTTPError:
        return False
    return response.is_success


def _points(number: int) -> list[pb.SeriesPoint]:
    return [
        pb.SeriesPoint(
            date=(date(2024, 1, 7) + timedelta(weeks=week)).isoformat(),
            values=[
                round(50 + 30 * math.sin(week / 8 + number) + (week * 7 + number) % 9),
                round(40 + 20 * math.cos(week / 8 + number) + (week * 5 + number) % 7),
            ],
        )
        for week in range(_WEEKS)
    ]
