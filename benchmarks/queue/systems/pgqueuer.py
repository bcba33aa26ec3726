"""pgqueuer over asyncpg, the driver that it prefers. It claims and completes jobs in batches of `batch_size`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-not-found,import-untyped,unused-ignore]  # only in .venv-bench
from pgqueuer import PgQueuer  # type: ignore[import-not-found,unused-ignore]  # only in .venv-bench
from pgqueuer.db import AsyncpgDriver  # type: ignore[import-not-found,unused-ignore]  # only in .venv-bench
from pgqueuer.models import Job  # type: ignore[import-not-found,unused-ignore]  # only in .venv-bench
from pgqueuer.queries import Queries  # type: ignore[import-not-found,unused-ignore]  # only in .venv-bench

from benchmarks.queue.systems import Enqueue, Started

_ENTRYPOINT = "noop"


class Pgqueuer:
    """Moves finished jobs from its queue to its log with one statement."""

    concurrency = 100
    unfinished = "SELECT count(*) FROM pgqueuer"

    async def install(self, url: str, jobs: int) -> None:
        """Creates its schema. All tables are logged ones, as by default."""
        connection = await asyncpg.connect(url)
        await Queries(AsyncpgDriver(connection)).install()
        await connection.close()

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """Adds jobs in batches of 1,000."""
        connection = await asyncpg.connect(url)
        queries = Queries(AsyncpgDriver(connection))
        for first in range(0, len(numbers), 1000):
            batch = numbers[first : first + 1000]
            await queries.enqueue([_ENTRYPOINT] * len(batch), [b"%d" % n for n in batch], [0] * len(batch))
        await connection.close()

    @asynccontextmanager
    async def producer(self, url: str) -> AsyncIterator[Enqueue]:
        """Adds each job with `Queries.enqueue`."""
        connection = await asyncpg.connect(url)
        queries = Queries(AsyncpgDriver(connection))

        async def enqueue(number: int) -> None:
            await queries.enqueue(_ENTRYPOINT, b"%d" % number)

        yield enqueue
        await connection.close()

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """Runs jobs with `PgQueuer.run`."""
        queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect(url)))

        @queuer.entrypoint(_ENTRYPOINT)  # type: ignore[untyped-decorator,unused-ignore]  # untyped where not installed
        async def noop(job: Job) -> None:
            started(int(job.payload or b""))

        await queuer.run(batch_size=concurrency)


SYSTEM = Pgqueuer()
