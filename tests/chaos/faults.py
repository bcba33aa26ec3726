"""Faults, drawn one at a time from a seeded generator and undone again."""

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
from tests.chaos.proxy import LinkFault
from tests.chaos.world import LEASE, World


@dataclass(frozen=True)
class InjectedFault:
    """A fault that was injected. Times are in seconds of the wall clock."""

    name: str
    begun: float
    ended: float
    storm: bool


@dataclass(frozen=True)
class Fault:
    """A fault. `inject` undoes it before it returns."""

    name: str
    kind: str
    inject: Callable[[], None]
    link: str = ""  # the affected link


@dataclass(frozen=True)
class Durations:
    """Durations in seconds, as (minimum, maximum)."""

    pause: tuple[float, float]  # from one fault to the next
    link_fault: tuple[float, float] = (0.3, 1.7 * LEASE)  # of a fault of a link
    freeze: tuple[float, float] = (0.2, 1.7 * LEASE)
    absence: tuple[float, float] = (0.0, 1.5)  # of a killed service
    recovery: float = 0.0  # longest wait for all services to be ready, before the pause


class Injector:
    """Injects faults one after the other, from one thread. Only a shifted clock outlasts its injection."""

    def __init__(self, world: World, slugs: Sequence[str], *, seed: int) -> None:
        self._world = world
        self._slugs = slugs
        self._random = random.Random(seed)
        self._never = threading.Event()
        self._durations = Durations(pause=(0, 0))
        self.faults = self._all()
        self.injected: list[InjectedFault] = []

    def storm(self, seconds: float, durations: Durations) -> None:
        """Injects frequent faults for that time; every fault occurs before any occurs twice."""
        until = time.monotonic() + seconds
        deck: list[Fault] = []
        while time.monotonic() < until:
            deck = deck or self._shuffled(self.faults)
            self._inject(deck.pop(), durations, storm=True)

    def one_by_one(self, durations: Durations, *, seconds: float = math.inf, storm: bool = False) -> None:
        """Injects each kind of fault, and a fault on each link, once, until the time is over."""
        until = time.monotonic() + seconds
        for fault in self._one_of_each():
            if time.monotonic() >= until:
                break
            self._inject(fault, durations, storm=storm)

    def idle(self, seconds: float) -> None:
        """Injects no faults for that time, while callers continue."""
        self._never.wait(seconds)

    def _one_of_each(self) -> list[Fault]:
        chosen: list[Fault] = []
        for fault in self._shuffled(self.faults):
            kinds, links = {each.kind for each in chosen}, {each.link for each in chosen}
            if fault.kind not in kinds or (fault.link and fault.link not in links):
                chosen.append(fault)
        return chosen

    def _inject(self, fault: Fault, durations: Durations, *, storm: bool) -> None:
        self._durations = durations
        self._wait_until_ready(durations.recovery)
        self._hold(durations.pause)
        begun = time.time()
        fault.inject()
        self.injected.append(InjectedFault(fault.name, begun, time.time(), storm))
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
            "LISTEN goes silent": self._silence_listen,
            "Valkey restarts": world.valkey.restart,
            "Valkey is killed": partial(_kill_store, world.valkey),
            "FLUSHALL": self._flush,
            "Valkey is read-only": self._make_replica,
            "Valkey is out of memory": self._fill_memory,
            "duplicate triggers": self._trigger_twice,
        }
        faults = [Fault(name, name, inject) for name, inject in stores.items()]
        for name in world.services:
            what = name.partition("-")[0]
            faults += [
                Fault(f"SIGKILL of {name}", f"SIGKILL of {what}", partial(self._kill, name)),
                Fault(f"SIGSTOP of {name}", f"SIGSTOP of {what}", partial(self._freeze, name)),
                Fault(f"the clock of {name} jumps", "a clock jumps", partial(self._shift_clock, name)),
            ]
        for link in world.links:
            for link_fault in LinkFault:
                if link_fault is not LinkFault.NONE:
                    act = partial(self._break_link, link, link_fault)
                    faults.append(Fault(f"{link_fault.value} on {link}", link_fault.value, act, link))
        return faults

    def _kill(self, name: str) -> None:
        self._world.services[name].kill()
        self._hold(self._durations.absence)
        self._world.launch(name)

    def _freeze(self, name: str) -> None:
        service = self._world.services[name]
        service.send(signal.SIGSTOP)
        self._hold(self._durations.freeze)
        service.send(signal.SIGCONT)

    def _break_link(self, link: str, link_fault: LinkFault) -> None:
        with self._world.links[link].with_fault(link_fault):
            self._hold(self._durations.link_fault)

    def _shift_clock(self, name: str) -> None:
        """Shifts a clock by hours, past the age at which a forecast is stale; the next call corrects it."""
        hours = self._random.uniform(2, 30) * self._random.choice((-1, 1))
        self._world.shift_clock(name, 0.0 if self._world.clock_shift(name) else hours * 3600)

    def _terminate_backends(self) -> None:
        with psycopg.connect(self._world.postgres.url, autocommit=True) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'warmcast%' ORDER BY pid"
            ).fetchall()
            for (pid,) in pids:
                if self._random.random() < 0.6:
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])

    def _make_read_only(self) -> None:
        """Simulates a failover: connections end, and the server is read-only for new ones."""
        name = sql.Identifier(DATABASE)
        with psycopg.connect(self._world.postgres.url, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
            try:
                self._terminate_backends()
                self._hold(self._durations.link_fault)
            finally:
                connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))

    def _silence_listen(self) -> None:
        """Silences the open LISTEN connection of one replica; a new one works."""
        with self._random.choice(list(self._world.listens.values())).with_fault(LinkFault.HALF_OPEN):
            self._hold(self._durations.link_fault)

    def _flush(self) -> None:
        with redis.Redis.from_url(self._world.valkey.url) as connection:
            connection.flushall()

    def _make_replica(self) -> None:
        """Makes Redis a read-only replica, as a former primary is after a failover."""
        with redis.Redis.from_url(self._world.valkey.url) as connection:
            connection.replicaof(LOOPBACK, str(free_port()))
            try:
                self._hold(self._durations.link_fault)
            finally:
                connection.replicaof("NO", "ONE")

    def _fill_memory(self) -> None:
        with redis.Redis.from_url(self._world.valkey.url) as connection:
            before = str(connection.config_get("maxmemory")["maxmemory"])
            connection.config_set("maxmemory", "1mb")
            try:
                self._hold(self._durations.link_fault)
            finally:
                connection.config_set("maxmemory", before)

    def _trigger_twice(self) -> None:
        """Sends concurrent run, sweep and forced trigger calls to both replicas of jobs."""
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

    def _wait_until_ready(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._world.ready():
            self._never.wait(0.05)

    def _hold(self, span: tuple[float, float]) -> None:
        self._never.wait(self._random.uniform(*span))  # the duration is part of the fault


def _kill_store(store: Store) -> None:
    store.kill()
    store.start()
