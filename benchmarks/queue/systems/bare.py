"""The floor of a queue over psycopg: a row, a notification, a claim and a delete.

No fence, no lease, no retry, no rescue, no series: nobody should use it. What it costs is what the driver and the
database cost, and no queue over them can be below it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from benchmarks.queue.systems import Enqueue, Started

_SCHEMA = """
CREATE TABLE bare_jobs (id bigint PRIMARY KEY, started_at timestamptz);
CREATE INDEX ON bare_jobs (id) WHERE started_at IS NULL;
"""
_ENQUEUE = "WITH made AS (INSERT INTO bare_jobs (id) VALUES (%s)) SELECT pg_notify('bare_jobs', '')"
_CLAIM = """
UPDATE bare_jobs SET started_at = now() WHERE id = ANY (ARRAY(
    SELECT id FROM bare_jobs WHERE started_at IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)) RETURNING id
"""
_END = "DELETE FROM bare_jobs WHERE id = ANY(%s)"


class Bare:
    """One connection that claims, one that ends, one that listens."""

    concurrency = 100
    unfinished = "SELECT count(*) FROM bare_jobs"

    async def install(self, url: str, jobs: int) -> None:
        """One table."""
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(_SCHEMA)

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """In one statement."""
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(
                "INSERT INTO bare_jobs (id) SELECT * FROM generate_series(%s::bigint, %s)", (numbers[0], numbers[-1])
            )

    @asynccontextmanager
    async def producer(self, url: str) -> AsyncIterator[Enqueue]:
        """One statement a job."""
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:

            async def enqueue(number: int) -> None:
                await connection.execute(_ENQUEUE, (number,))

            yield enqueue

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """Each job is a task, as in any queue."""
        woken = asyncio.Event()
        woken.set()
        async with (
            await psycopg.AsyncConnection.connect(url, autocommit=True) as claiming,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as ending,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as listening,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(_listen(listening, woken))
            while True:
                woken.clear()
                cursor = await claiming.execute(_CLAIM, (concurrency,), binary=True)
                numbers = [number for (number,) in await cursor.fetchall()]
                await asyncio.gather(*(_run(number, started) for number in numbers))
                if numbers:
                    await ending.execute(_END, (numbers,))
                if len(numbers) < concurrency:
                    await woken.wait()


async def _run(number: int, started: Started) -> None:
    started(number)


async def _listen(connection: psycopg.AsyncConnection, woken: asyncio.Event) -> None:
    await connection.execute("LISTEN bare_jobs")
    async for _ in connection.notifies():
        woken.set()


SYSTEM = Bare()
