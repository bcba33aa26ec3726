"""oban, one queue; it claims as many as its limit leaves free and acknowledges what has finished meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from oban import Oban, worker  # type: ignore[import-not-found,unused-ignore]  # in .venv-bench alone
from oban.job import Job  # type: ignore[import-not-found,unused-ignore]  # in .venv-bench alone
from oban.schema import install  # type: ignore[import-not-found,unused-ignore]  # in .venv-bench alone
from psycopg_pool import AsyncConnectionPool

from benchmarks.queue.systems import Enqueue, Started

_QUEUE = "default"
_started: list[Started] = []  # oban makes its workers itself, by their class


@worker(queue=_QUEUE)  # type: ignore[untyped-decorator,unused-ignore]  # untyped where oban is not installed
class Noop:
    """Notes the job's start."""

    async def process(self, job: Job) -> None:
        """No more than that."""
        _started[0](int(job.args["number"]))


_NOOP: Any = Noop  # the decorator gave it `new`, which no type checker sees


class ObanSystem:
    """Its acknowledgement carries the time of the attempt: it is fenced, as ours is."""

    concurrency = 100
    unfinished = "SELECT count(*) FROM oban_jobs WHERE state <> 'completed'"

    async def install(self, url: str, jobs: int) -> None:
        """Its schema."""
        async with _pool(url) as pool:
            await install(pool)

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """In batches."""
        async with _pool(url) as pool:
            oban = Oban(pool=pool)
            for first in range(0, len(numbers), 1000):
                await oban.enqueue_many([_NOOP.new({"number": n}) for n in numbers[first : first + 1000]])

    @asynccontextmanager
    async def producer(self, url: str) -> AsyncIterator[Enqueue]:
        """`Oban.enqueue`."""
        async with _pool(url) as pool:
            oban = Oban(pool=pool)

            async def enqueue(number: int) -> None:
                await oban.enqueue(_NOOP.new({"number": number}))

            yield enqueue

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """An instance with one queue."""
        _started[:] = [started]
        async with _pool(url) as pool, Oban(pool=pool, queues={_QUEUE: concurrency}):
            await asyncio.Event().wait()


def _pool(url: str) -> AsyncConnectionPool:
    return AsyncConnectionPool(url, min_size=1, max_size=10, open=False)


SYSTEM = ObanSystem()
