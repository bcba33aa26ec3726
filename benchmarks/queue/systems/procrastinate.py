"""procrastinate; it claims and finishes one job a statement, as many at once as its concurrency."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from procrastinate import App, PsycopgConnector  # type: ignore[import-not-found,unused-ignore]  # in .venv-bench alone

from benchmarks.queue.systems import Enqueue, Started


class Procrastinate:
    """Finished jobs stay in its table, as by default."""

    concurrency = 5
    unfinished = "SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'"

    async def install(self, url: str, jobs: int) -> None:
        """Its schema."""
        async with _app(url).open_async() as app:
            await app.schema_manager.apply_schema_async()

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """In batches."""
        async with _app(url).open_async() as app:
            for first in range(0, len(numbers), 1000):
                batch = [{"number": number} for number in numbers[first : first + 1000]]
                await app.configure_task("noop").batch_defer_async(*batch)

    @asynccontextmanager
    async def producer(self, url: str) -> AsyncIterator[Enqueue]:
        """`defer_async`."""
        async with _app(url).open_async() as app:
            task = app.configure_task("noop")

            async def enqueue(number: int) -> None:
                await task.defer_async(number=number)

            yield enqueue

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """`run_worker_async`."""
        app = _app(url)

        @app.task(name="noop")  # type: ignore[untyped-decorator,unused-ignore]  # untyped where it is not installed
        async def noop(number: int) -> None:
            started(number)

        async with app.open_async():
            await app.run_worker_async(concurrency=concurrency, install_signal_handlers=False)


def _app(url: str) -> App:
    return App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=10))


SYSTEM = Procrastinate()
