"""The floor of a queue over psycopg: a row, a notification, a claim and a delete.

It has no fence, lease, retry, rescue or series, so it is not for use. It costs what the driver and the database cost; a
queue over them cannot cost less.
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
_ENQUEUE = "WITH added AS (INSERT INTO bare_jobs (id) VALUES (%s)) SELECT pg_notify('bare_jobs', '')"
_CLAIM = """
UPDATE bare_jobs SET started_at = now() WHERE id = ANY (ARRAY(
    SELECT id FROM bare_jobs WHERE started_at IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)) RETURNING id
"""
_DELETE = "DELETE FROM bare_jobs WHERE id = ANY(%s)"


class Bare:
    """One connection claims, one deletes, one listens."""

    concurrency = 100
    unfinished = "SELECT count(*) FROM bare_jobs"

    async def install(self, url: str, jobs: int) -> None:
        """Creates the table."""
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(_SCHEMA)

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """Adds all jobs with one statement."""
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(
                "INSERT INTO bare_jobs (id) SELECT * FROM generate_series(%s::bigint, %s)", (numbers[0], numbers[-1])
            )

    @asynccontextmanager
    async def producer(self, url: str) -> AsyncIterator[Enqueue]:
        """Adds each job with one statement."""
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:

            async def enqueue(number: int) -> None:
                await connection.execute(_ENQUEUE, (number,))

            yield enqueue

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """Starts each job as a task, as other queues do."""
        woken = asyncio.Event()
        woken.set()
        async with (
            await psycopg.AsyncConnection.connect(url, autocommit=True) as claims,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as deletes,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as listens,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(_listen(listens, woken))
            while True:
                woken.clear()
                cursor = await claims.execute(_CLAIM, (concurrency,), binary=True)
                numbers = [number for (number,) in await cursor.fetchall()]
                await asyncio.gather(*(_run(number, started) for number in numbers))
                if numbers:
                    await deletes.execute(_DELETE, (numbers,))
                if len(numbers) < concurrency:
                    await woken.wait()


async def _run(number: int, started: Started) -> None:
    started(number)


async def _listen(connection: psycopg.AsyncConnection, woken: asyncio.Event) -> None:
    await connection.execute("LISTEN bare_jobs")
    async for _ in connection.notifies():
        woken.set()


SYSTEM = Bare()
