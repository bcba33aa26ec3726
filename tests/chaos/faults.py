"""What can go wrong, one thing at a time, drawn from a seeded source and put right again."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import grpc
import psycopg
import redis
from warmcast.jobs.v1 import jobs_pb2 as pb

from devstack.store import Store
from tests.chaos.load import TIMEFRAME, authorised, stub
from tests.chaos.proxy import Trouble
from tests.chaos.world import LEASE, World


@dataclass(frozen=True)
class Struck:
    """A fault that was injected, by the wall clock."""

    name: str
    begun: float
    ended: float
    storm: bool


class Injector:
    """Strikes from one thread; each fault is over before the next begins."""

    def __init__(self, world: World, slugs: Sequence[str], *, seed: int) -> None:
        self._world = world
        self._slugs = slugs
        self._random = random.Random(seed)
        self._never = threading.Event()
        self._faults = self._all()
        self._deck: list[str] = []
        self.struck: list[Struck] = []

    def strike_for(self, seconds: float, *, pause: float, storm: bool) -> None:
        """Random faults, with a random pause of that mean between them, until the time is over."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._sleep(min(left, self._random.uniform(0.5, 1.5) * pause))
            if time.monotonic() < until:
                self._strike(storm)

    def _strike(self, storm: bool) -> None:
        # A shuffled deck: each fault comes before any comes again.
        if not self._deck:
            self._deck = list(self._faults)
            self._random.shuffle(self._deck)
        name = self._deck.pop()
        begun = time.time()
        self._faults[name]()
        self.struck.append(Struck(name, begun, time.time(), storm))
        print(f"chaos | {name}, {time.time() - begun:.1f} s", flush=True)

    def _all(self) -> dict[str, Callable[[], None]]:
        world = self._world
        faults: dict[str, Callable[[], None]] = {
            "pg_terminate_backend": self._terminate_backends,
            "PostgreSQL restarts": world.postgres.restart,
            "PostgreSQL is killed": partial(_kill_store, world.postgres),
            "Valkey restarts": world.valkey.restart,
            "Valkey is killed": partial(_kill_store, world.valkey),
            "FLUSHALL": self._flush,
            "duplicate triggers": self._trigger_twice,
        }
        for name in world.services:
            faults[f"SIGKILL of {name}"] = partial(self._kill, name)
            faults[f"SIGSTOP of {name}"] = partial(self._freeze, name)
        for name in world.links:
            for trouble in Trouble:
                if trouble is not Trouble.NONE:
                    faults[f"{trouble.value} on {name}"] = partial(self._trouble, name, trouble)
        return faults

    def _kill(self, name: str) -> None:
        self._world.services[name].kill()
        self._sleep(self._random.uniform(0, 1.5))
        self._world.launch(name)

    def _freeze(self, name: str) -> None:
        service = self._world.services[name]
        service.send(signal.SIGSTOP)
        self._sleep(self._random.uniform(0.2, 1.7 * LEASE))
        service.send(signal.SIGCONT)

    def _trouble(self, link: str, trouble: Trouble) -> None:
        with self._world.links[link].troubled(trouble):
            self._sleep(self._random.uniform(0.3, 1.7 * LEASE))

    def _terminate_backends(self) -> None:
        with psycopg.connect(self._world.postgres.url, autocommit=True) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'warmcast%' ORDER BY pid"
            ).fetchall()
            for (pid,) in pids:
                if self._random.random() < 0.6:
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])

    def _flush(self) -> None:
        with redis.Redis.from_url(self._world.valkey.url) as connection:
            connection.flushall()

    def _trigger_twice(self) -> None:
        """Runs by hand, sweeps and forced triggers at both jobs at once."""
        slugs = self._random.sample(list(self._slugs), min(5, len(self._slugs)))

        def at_once(address: str) -> None:
            jobs = stub(address)
            with contextlib.suppress(grpc.RpcError):
                jobs.Sweep(pb.SweepRequest(), timeout=10, metadata=authorised())
            for slug in slugs:
                key = pb.ComparisonKey(slug=slug, timeframe=TIMEFRAME, geo="US")
                with contextlib.suppress(grpc.RpcError):
                    jobs.TriggerWarmup(pb.TriggerWarmupRequest(key=key, force=True), timeout=5, metadata=authorised())
            with contextlib.suppress(grpc.RpcError):
                jobs.RunWarmup(pb.RunWarmupRequest(max=3), timeout=10, metadata=authorised())

        with ThreadPoolExecutor(4) as callers:
            list(callers.map(at_once, self._world.jobs_addresses * 2))

    def _sleep(self, seconds: float) -> None:
        self._never.wait(seconds)  # how long a fault lasts is part of the fault


def _kill_store(store: Store) -> None:
    store.kill()
    store.start()
