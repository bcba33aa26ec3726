"""Measures how soon a running job is started elsewhere and ready after a fault, with default settings.

`python -m benchmarks.queue.faults`: real processes, PostgreSQL and Valkey. The process that holds the job is killed or
stopped; a second one of its kind takes over.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from benchmarks.queue.systems.warmcast import SYSTEM
from benchmarks.stack import wait_until
from devstack.product import Addresses, Service, wiring
from devstack.readiness import grpc_ready
from devstack.stores.ports import LOOPBACK, free_port
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey

TARGET = 20.0  # seconds until the job must have started elsewhere
_LIMIT = 60.0  # seconds
_names = (f"fault_{number}" for number in itertools.count())


@dataclass(frozen=True)
class Rescue:
    """Seconds from the fault."""

    started: float
    ready: float


def main(arguments: list[str]) -> int:
    """Prints the duration of each rescue."""
    parser = argparse.ArgumentParser(prog="bench-queue-faults")
    parser.add_argument("--trials", type=int, default=3, help="of each fault (3)")
    print("\n".join(table(parser.parse_args(arguments).trials)))
    return 0


def table(trials: int) -> Iterator[str]:
    """Injects each fault `trials` times; the results as lines of Markdown."""
    faults: dict[str, Callable[[Postgres, Valkey], Rescue]] = {
        "kill -9 of jobs": _jobs_fault,
        "kill -9 of the forecaster": partial(_forecaster_fault, number=signal.SIGKILL),
        "SIGSTOP of the forecaster": partial(_forecaster_fault, number=signal.SIGSTOP),
    }
    yield f"| fault in mid-run | started elsewhere after | ready after | ≤ {TARGET:.0f} s |"
    yield "| --- | --- | --- | --- |"
    with tempfile.TemporaryDirectory() as folder:
        postgres, valkey = Postgres(Path(folder) / "postgres"), Valkey(Path(folder) / "valkey")
        with _running(postgres), _running(valkey):
            for name, inject in faults.items():
                rescues = [inject(postgres, valkey) for _ in range(trials)]
                started, ready = (
                    ", ".join(f"{seconds:.1f}" for seconds in each)
                    for each in ([rescue.started for rescue in rescues], [rescue.ready for rescue in rescues])
                )
                met = max(rescue.started for rescue in rescues) <= TARGET
                yield f"| {name} | {started} s | {ready} s | {'yes' if met else '**no**'} |"


def _jobs_fault(postgres: Postgres, valkey: Valkey) -> Rescue:
    with _product(postgres, valkey) as (services, environment):
        forecaster, jobs = services("forecaster"), services("jobs")
        lease = _run_begins(environment["DATABASE_URL"], forecaster)
        services("jobs")
        return _rescue(
            environment["DATABASE_URL"], lease, jobs.kill, then=partial(_workers, forecaster, signal.SIGCONT)
        )


def _forecaster_fault(postgres: Postgres, valkey: Valkey, number: signal.Signals) -> Rescue:
    with _product(postgres, valkey) as (services, environment):
        forecaster = services("forecaster")
        services("jobs")
        lease = _run_begins(environment["DATABASE_URL"], forecaster)
        services("forecaster")
        second = int(environment["FORECASTER_ADDR"].rpartition(":")[2])
        wait_until(partial(_connected, second), "jobs is connected to it, which it checks every second")
        return _rescue(environment["DATABASE_URL"], lease, partial(forecaster.send, number), then=lambda: None)


def _run_begins(url: str, forecaster: Service) -> int:
    """Enqueues the job with the forecaster's workers stopped, so that it cannot end; returns its lease."""
    _workers(forecaster, signal.SIGSTOP)
    asyncio.run(_enqueue(url))
    with psycopg.connect(url, autocommit=True) as connection:
        return _wait(connection, "SELECT lease_id FROM warmup_jobs WHERE status = 'running'")[0]


def _rescue(url: str, lease: int, inject: Callable[[], None], then: Callable[[], None]) -> Rescue:
    with psycopg.connect(url, autocommit=True) as connection:
        inject()
        struck = time.monotonic()
        _wait(connection, f"SELECT 1 FROM warmup_jobs WHERE lease_id > {lease}")
        started = time.monotonic() - struck
        then()
        _wait(connection, "SELECT 1 FROM warmup_jobs WHERE status = 'ready'")
        return Rescue(started, time.monotonic() - struck)


async def _enqueue(url: str) -> None:
    async with SYSTEM.producer(url) as enqueue:
        await enqueue(0)


def _wait(connection: psycopg.Connection, query: str) -> tuple[int, ...]:
    until = time.monotonic() + _LIMIT
    while time.monotonic() < until:
        if row := connection.execute(query.encode()).fetchone():
            return tuple(row)
        time.sleep(0.02)
    raise TimeoutError(f"not within {_LIMIT:.0f} s: {query}")


@contextlib.contextmanager
def _product(postgres: Postgres, valkey: Valkey) -> Iterator[tuple[Callable[[str], Service], dict[str, str]]]:
    """A function that starts a further ready service, and the environment, over a database with one comparison."""
    name = next(_names)
    with psycopg.connect(postgres.database_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with redis.Redis.from_url(valkey.url) as cache:
        cache.flushall()
    addresses = Addresses.on_free_ports()
    ports = {"forecaster": [free_port(), free_port()], "jobs": [free_port(), free_port()]}
    environment = {
        **{key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "PYTHONPATH", "TMPDIR")},
        **wiring(addresses, database_url=postgres.database_url(name), redis_url=valkey.url),
        "WARMUP_SECRET": "x" * 32,
        "FORECASTER_ADDR": "ipv4:" + ",".join(f"{LOOPBACK}:{port}" for port in ports["forecaster"]),
    }
    asyncio.run(SYSTEM.install(environment["DATABASE_URL"], 1))
    with contextlib.ExitStack() as ends:

        def start(kind: str) -> Service:
            address = f"{LOOPBACK}:{ports[kind].pop(0)}"
            service = Service(kind, environment | {f"{kind.upper()}_LISTEN": address}, partial(grpc_ready, address))
            ends.callback(service.kill_group)
            service.launch()
            wait_until(service.ready, f"{kind} is ready", seconds=_LIMIT)
            return service

        yield start, environment


@contextlib.contextmanager
def _running(server: Postgres | Valkey) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def _connected(port: int) -> bool:
    """Whether a loopback connection to this port exists; only jobs connects to a forecaster."""
    # gRPC uses IPv6 sockets for IPv4 addresses too.
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return any(remote.endswith(f":{port:04X}") and state == "01" for _, _, remote, state, *_ in rows)


def _workers(forecaster: Service, number: signal.Signals) -> None:
    """Sends a signal to each child process of the forecaster."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == forecaster.pid:
                os.kill(int(entry.name), number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
