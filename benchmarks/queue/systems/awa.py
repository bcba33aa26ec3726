"""awa, a Rust engine with Python handlers; its defaults, but for the number of workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import awa  # type: ignore[import-not-found,unused-ignore]  # in .venv-bench alone

from benchmarks.queue.systems import Enqueue, Started

_QUEUE = "default"


@dataclass
class Noop:
    """Its argument."""

    number: int


class Awa:
    """Fenced by a lease of each run."""

    concurrency = 100
    unfinished = "SELECT count(*) FROM awa.jobs WHERE state <> 'completed'"

    async def install(self, url: str, jobs: int) -> None:
        """Its migrations, and the storage that it recommends."""
        client = awa.AsyncClient(url)
        await client.migrate()
        await client.install_queue_storage()
        await client.close()

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """By its COPY."""
        client = awa.AsyncClient(url)
        for first in range(0, len(numbers), 1000):
            await client.enqueue_many_copy([Noop(n) for n in numbers[first : first + 1000]], queue=_QUEUE)
        await client.close()

    @asynccontextmanager
    async def producer(self, url: str) -> AsyncIterator[Enqueue]:
        """`insert`."""
        client = awa.AsyncClient(url)

        async def enqueue(number: int) -> None:
            await client.insert(Noop(number), queue=_QUEUE)

        yield enqueue
        await client.close()

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """`start` with that many workers."""
        client = awa.AsyncClient(url)

        @client.task(Noop, queue=_QUEUE)  # type: ignore[untyped-decorator,unused-ignore]  # untyped where not installed
        async def noop(job: awa.Job) -> None:
            started(int(job.args.number))

        await client.start([(_QUEUE, concurrency)])
        await asyncio.Event().wait()


SYSTEM = Awa()
