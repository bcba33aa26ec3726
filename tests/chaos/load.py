"""Comparisons, and the callers who ask for them."""

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
_CALLERS = 6
_WEEKS = 52


def stub(address: str) -> jobs_pb2_grpc.JobsServiceStub:
    """A client of one jobs process; its channel lives as long as it does."""
    return jobs_pb2_grpc.JobsServiceStub(grpc.insecure_channel(address))


def authorised() -> metadata.Metadata:
    """What a guarded call carries."""
    return metadata.outgoing(secret=SECRET)


def ingest(world: World, count: int) -> list[str]:
    """Stores that many comparisons of 52 weeks each, numbers plainly made up; returns their slugs."""
    clients = [stub(address) for address in world.jobs_addresses]

    def one(number: int) -> str:
        request = pb.IngestSnapshotRequest(
            series=pb.Series(terms=[f"a{number}", f"b{number}"], points=_points(number)), timeframe=TIMEFRAME, geo="US"
        )
        return str(clients[number % 2].IngestSnapshot(request, timeout=30, metadata=authorised()).slug)

    with ThreadPoolExecutor(_CALLERS) as callers:
        return list(callers.map(one, range(count)))


class Callers:
    """Ask for the premium answers of all slugs, spread over a time, and once more at random after that."""

    def __init__(self, world: World, slugs: Sequence[str], *, seconds: float, seed: int) -> None:
        self._world = world
        self._waiting = list(slugs)
        self._all = list(slugs)
        self._interval = seconds / len(slugs)
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self._taken = 0
        self.calls = 0
        self.refused = 0  # answered with anything but 200, or not at all: what a caller sees of a fault
        self._threads = [threading.Thread(target=self._call, name=f"caller {n}", daemon=True) for n in range(_CALLERS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """No caller asks any more."""
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def _call(self) -> None:
        with client(self._world) as http:
            while not self._ended.is_set():
                slug, wait = self._next()
                if self._ended.wait(wait):
                    return
                answered = ask(http, slug) is not None
                with self._lock:
                    self.calls += 1
                    self.refused += not answered

    def _next(self) -> tuple[str, float]:
        with self._lock:
            due = self._begun + self._taken * self._interval
            slug = self._all[self._taken] if self._taken < len(self._all) else self._random.choice(self._all)
            self._taken += 1
        return slug, max(due - time.monotonic(), 0)


def client(world: World) -> httpx.Client:
    """A caller of the gateway."""
    return httpx.Client(base_url=world.gateway_url, timeout=10, trust_env=False)


def ask(http: httpx.Client, slug: str) -> dict[str, object] | None:
    """A premium answer; None when there is none."""
    try:
        response = http.get("/api/comparison/premium", params={"slug": slug, "tf": TIMEFRAME, "geo": "US"})
    except httpx.HTTPError:
        return None
    return dict(response.json()) if response.status_code == 200 else None


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
