"""Faults, drawn one at a time from a seeded source and undone again."""

from __future__ import annotations

import contextlib
import math
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
from psycopg import sql
from warmcast.jobs.v1 import jobs_pb2 as pb

from devstack.stores.ports import LOOPBACK, free_port
from devstack.stores.postgres import DATABASE
from devstack.stores.store import Store
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


@dataclass(frozen=True)
class Fault:
    """A kind of fault, undone before `inflict` returns."""

    name: str
    kind: str
    inflict: Callable[[], None]
    link: str = ""  # the link that it affects


@dataclass(frozen=True)
class Spans:
    """Durations in seconds, as (minimum, maximum)."""

    pause: tuple[float, float]  # from one fault to the next
    trouble: tuple[float, float] = (0.3, 1.7 * LEASE)  # of a link
    freeze: tuple[float, float] = (0.2, 1.7 * LEASE)
    absence: tuple[float, float] = (0.0, 1.5)  # of a killed service
    calm: float = 0.0  # longest wait for all services to be ready, before the pause


class Injector:
    """Injects faults from one thread, one after the other; a moved clock lasts on."""

    def __init__(self, world: World, slugs: Sequence[str], *, seed: int) -> None:
        self._world = world
        self._slugs = slugs
        self._random = random.Random(seed)
        self._never = threading.Event()
        self._spans = Spans(pause=(0, 0))
        self.faults = self._all()
        self.struck: list[Struck] = []

    def storm(self, seconds: float, spans: Spans) -> None:
        """Frequent faults for that time; each kind occurs before any occurs twice."""
        until = time.monotonic() + seconds
        deck: list[Fault] = []
        while time.monotonic() < until:
            deck = deck or self._shuffled(self.faults)
            self._strike(deck.pop(), spans, storm=True)

    def one_by_one(self, spans: Spans, *, seconds: float = math.inf, storm: bool = False) -> None:
        """Each kind of fault and each link once, as far as the time allows."""
        until = time.monotonic() + seconds
        for fault in self._one_of_each():
            if time.monotonic() >= until:
                break
            self._strike(fault, spans, storm=storm)

    def watch(self, seconds: float) -> None:
        """No faults for that time, while callers continue."""
        self._never.wait(seconds)

    def _one_of_each(self) -> list[Fault]:
        chosen: list[Fault] = []
        for fault in self._shuffled(self.faults):
            kinds, links = {each.kind for each in chosen}, {each.link for each in chosen}
            if fault.kind not in kinds or (fault.link and fault.link not in links):
                chosen.append(fault)
        return chosen

    def _strike(self, fault: Fault, spans: Spans, *, storm: bool) -> None:
        self._spans = spans
        self._wait_for_calm(spans.calm)
        self._last(spans.pause)
        begun = time.time()
        fault.inflict()
        self.struck.append(Struck(fault.name, begun, time.time(), storm))
        print(f"chaos | {fault.name}, {time.time() - begun:.1f} s", flush=True)

    def _shuffled(self, faults: Sequence[Fault]) -> list[Fault]:
        return self._random.sample(faults, len(faults))

    def _all(self) -> list[Fault]:
        world = self._world
        stores: dict[str, Callable[[], None]] = {
            "pg_terminate_backend": self._terminate_backends,
            "PostgreSQL restarts": world.postgres.restart,
            "PostgreSQL is killed": partial(_kill_store, world.postgres),
            "PostgreSQL is read-only": self._make_read_only,
            "LISTEN is swallowed": self._swallow_listen,
            "Valkey restarts": world.valkey.restart,
            "Valkey is killed": partial(_kill_store, world.valkey),
            "FLUSHALL": self._flush,
            "Valkey is read-only": self._make_replica,
            "Valkey is out of memory": self._fill_memory,
            "duplicate triggers": self._trigger_twice,
        }
        faults = [Fault(name, name, inflict) for name, inflict in stores.items()]
        for name in world.services:
            what = name.partition("-")[0]
            faults += [
                Fault(f"SIGKILL of {name}", f"SIGKILL of {what}", partial(self._kill, name)),
                Fault(f"SIGSTOP of {name}", f"SIGSTOP of {what}", partial(self._freeze, name)),
                Fault(f"the clock of {name} jumps", "a clock jumps", partial(self._move_clock, name)),
            ]
        for link in world.links:
            for trouble in Trouble:
                if trouble is not Trouble.NONE:
                    act = partial(self._trouble, link, trouble)
                    faults.append(Fault(f"{trouble.value} on {link}", trouble.value, act, link))
        return faults

    def _kill(self, name: str) -> None:
        self._world.services[name].kill()
        self._last(self._spans.absence)
        self._world.launch(name)

    def _freeze(self, name: str) -> None:
        service = self._world.services[name]
        service.send(signal.SIGSTOP)
        self._last(self._spans.freeze)
        service.send(signal.SIGCONT)

    def _trouble(self, link: str, trouble: Trouble) -> None:
        with self._world.links[link].troubled(trouble):
            self._last(self._spans.trouble)

    def _move_clock(self, name: str) -> None:
        """Moves a clock by hours, past the age at which a forecast is stale; the next call corrects it."""
        hours = self._random.uniform(2, 30) * self._random.choice((-1, 1))
        self._world.move_clock(name, 0.0 if self._world.clock_of(name) else hours * 3600)

    def _terminate_backends(self) -> None:
        with psycopg.connect(self._world.postgres.url, autocommit=True) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'warmcast%' ORDER BY pid"
            ).fetchall()
            for (pid,) in pids:
                if self._random.random() < 0.6:
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])

    def _make_read_only(self) -> None:
        """As after a failover: connections end, and new ones lead to a read-only server."""
        name = sql.Identifier(DATABASE)
        with psycopg.connect(self._world.postgres.url, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
            try:
                self._terminate_backends()
                self._last(self._spans.trouble)
            finally:
                connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))

    def _swallow_listen(self) -> None:
        """The LISTEN connection of one replica stays open but goes silent; a new one works."""
        with self._random.choice(list(self._world.listens.values())).troubled(Trouble.HALF_OPEN):
            self._last(self._spans.trouble)

    def _flush(self) -> None:
        with redis.Redis.from_url(self._world.valkey.url) as connection:
            connection.flushall()

    def _make_replica(self) -> None:
        """Makes Redis a read-only replica, as a former primary after a failover."""
        with redis.Redis.from_url(self._world.valkey.url) as connection:
            connection.replicaof(LOOPBACK, str(free_port()))
            try:
                self._last(self._spans.trouble)
            finally:
                connection.replicaof("NO", "ONE")

    def _fill_memory(self) -> None:
        with redis.Redis.from_url(self._world.valkey.url) as connection:
            before = str(connection.config_get("maxmemory")["maxmemory"])
            connection.config_set("maxmemory", "1mb")
            try:
                self._last(self._spans.trouble)
            finally:
                connection.config_set("maxmemory", before)

    def _trigger_twice(self) -> None:
        """Concurrent runs by hand, sweeps and forced triggers at both jobs."""
        slugs = self._random.sample(list(self._slugs), min(5, len(self._slugs)))

        def at_once(address: str) -> None:
            jobs = stub(address)
            with contextlib.suppress(grpc.RpcError):
                jobs.Sweep(pb.SweepRequest(), timeout=3, metadata=authorised())
            for slug in slugs:
                key = pb.ComparisonKey(slug=slug, timeframe=TIMEFRAME, geo="US")
                with contextlib.suppress(grpc.RpcError):
                    jobs.TriggerWarmup(pb.TriggerWarmupRequest(key=key, force=True), timeout=3, metadata=authorised())
            with contextlib.suppress(grpc.RpcError):
                jobs.RunWarmup(pb.RunWarmupRequest(max=3), timeout=5, metadata=authorised())

        with ThreadPoolExecutor(4) as callers:
            list(callers.map(at_once, self._world.jobs_addresses * 2))

    def _wait_for_calm(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._world.ready():
            self._never.wait(0.05)

    def _last(self, span: tuple[float, float]) -> None:
        self._never.wait(self._random.uniform(*span))  # how long a fault lasts is part of the fault


def _kill_store(store: Store) -> None:
    store.kill()
    store.start()
