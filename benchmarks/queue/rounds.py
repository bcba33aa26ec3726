"""One measurement of one system: a copy of its prepared database, a worker process, for latency also a producer."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.queue.systems import OURS, System, load
from devstack.stores.postgres import Postgres

CHECKOUT = Path(__file__).resolve().parents[2]
_WARM_UP = 300  # jobs that warm connections and caches and are not counted
_LATE = 0.050  # seconds; a notification does not take that long
_LIMIT = 900.0  # seconds
# Run by the code of another checkout, whose modules may differ.
_FILL = """
import asyncio, sys
from benchmarks.queue.systems.warmcast import SYSTEM

async def fill(url, jobs):
    await SYSTEM.install(url, jobs)
    await SYSTEM.enqueue_all(url, range(jobs))

asyncio.run(fill(sys.argv[1], int(sys.argv[2])))
"""


@dataclass(frozen=True)
class Drain:
    """The rate at which jobs enqueued beforehand were run."""

    jobs_per_second: float
    started_again: int


@dataclass(frozen=True)
class Latency:
    """Seconds from the enqueuing call to the handler's call, and the producer's rate."""

    p50: float
    p99: float
    longest: float
    late: int  # above 50 ms
    rate: float  # enqueued a second
    started_again: int


def prepare(server: Postgres, name: str, jobs: int) -> None:
    """Creates the template databases of the rounds: one with the schema alone, one with `jobs` queued jobs."""
    system = load(name)
    for template, queued in ((_empty(name), 0), (_full(name), jobs)):
        with _template(server, template) as url:
            asyncio.run(_fill(system, url, queued, jobs + _WARM_UP + 1))


def prepare_checkout(server: Postgres, code: Path, jobs: int) -> None:
    """Creates the template database of drains of our queue as the checkout `code` has it."""
    with _template(server, _full(code.name)) as url:
        subprocess.run(
            [sys.executable, "-c", _FILL, url, str(jobs)], cwd=code, env=_environment(code), check=True, timeout=_LIMIT
        )


def drain_checkout(server: Postgres, code: Path, jobs: int) -> Drain:
    """`drain` of our queue as the checkout `code` has it."""
    with _copy(server, _full(code.name)) as url, _worker(OURS, url, jobs, None, code) as worker:
        return _drained(worker, jobs)


@contextmanager
def _template(server: Postgres, name: str) -> Iterator[str]:
    """A new database, analyzed at the end."""
    _execute(server, "CREATE DATABASE {}", name)
    url = server.database_url(name)
    yield url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def drain(server: Postgres, name: str, jobs: int, concurrency: int | None = None) -> Drain:
    """Measures from the first job's start to the commit of the last one's end."""
    with _copy(server, _full(name)) as url, _worker(name, url, jobs, concurrency) as worker:
        return _drained(worker, jobs)


def _drained(worker: Worker, jobs: int) -> Drain:
    starts, done, again = worker.result()
    return Drain(jobs / ((done - min(starts.values())) / 1e9), again)


def latency(server: Postgres, name: str, jobs: int, rate: float, concurrency: int | None = None) -> Latency:
    """Measures with an idle worker and one producer."""
    with _copy(server, _empty(name)) as url:
        _produce(name, url, range(1), rate)
        with _worker(name, url, jobs + _WARM_UP + 1, concurrency) as worker:
            worker.wait_until_up()
            sent, seconds = _produce(name, url, range(1, jobs + _WARM_UP + 1), rate)
            starts, _, again = worker.result()
    waits = sorted((starts[number] - sent[number]) / 1e9 for number in sent if number > _WARM_UP)
    return Latency(
        p50=waits[len(waits) // 2],
        p99=waits[len(waits) * 99 // 100],
        longest=waits[-1],
        late=sum(wait > _LATE for wait in waits),
        rate=len(sent) / seconds,
        started_again=again,
    )


async def _fill(system: System, url: str, queued: int, jobs: int) -> None:
    await system.install(url, jobs)
    if queued:
        await system.enqueue_all(url, range(queued))


@contextmanager
def _copy(server: Postgres, template: str) -> Iterator[str]:
    name = f"{template}_round"
    # Copied as files, with a checkpoint, so that rounds do not affect each other.
    _execute(server, "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
    try:
        yield server.database_url(name)
    finally:
        _execute(server, "DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def _worker(name: str, url: str, jobs: int, concurrency: int | None, code: Path = CHECKOUT) -> Iterator[Worker]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        process = subprocess.Popen(
            _command("worker", name, url, jobs, concurrency or load(name).concurrency, file),
            cwd=code,
            env=_environment(code),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Worker(name, process, file)
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Worker:
    """A worker process and the file of its result."""

    name: str
    process: subprocess.Popen[str]
    file: Path

    def wait_until_up(self) -> None:
        """Waits until its first job has started."""
        assert self.process.stdout is not None
        if (line := self.process.stdout.readline()) != "up\n":
            raise RuntimeError(f"{self.name}: its worker did not come up: {line}")

    def result(self) -> tuple[dict[int, int], int, int]:
        """Start of each job and end of the last one, in nanoseconds, and the number of repeated starts."""
        printed, _ = self.process.communicate(timeout=_LIMIT)
        if self.process.returncode:
            raise RuntimeError(f"{self.name}: its worker ended with {self.process.returncode}: {printed[-2000:]}")
        result = json.loads(self.file.read_text(encoding="utf-8"))
        return {int(number): at for number, at in result["starts"].items()}, result["done"], result["again"]


def _produce(name: str, url: str, numbers: range, rate: float) -> tuple[dict[int, int], float]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        command = _command("producer", name, url, numbers[0], numbers[-1], rate, file)
        subprocess.run(command, cwd=CHECKOUT, env=_environment(CHECKOUT), check=True, timeout=_LIMIT)
        result = json.loads(file.read_text(encoding="utf-8"))
    return {int(number): at for number, at in result["sent"].items()}, result["seconds"]


def _command(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.queue.{module}", *map(str, arguments)]


def _environment(code: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(code), str(code / "generated")))}


def _execute(server: Postgres, statement: str, *names: str) -> None:
    with psycopg.connect(server.database_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _empty(name: str) -> str:
    return f"{name}_empty"


def _full(name: str) -> str:
    return f"{name}_full"
