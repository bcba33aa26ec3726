"""Warmcast: the dispatcher of the jobs service, with a forecaster that returns at once without points."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg

from benchmarks.queue.systems import Enqueue, Started
from services.common.comparison import ComparisonKey
from services.common.runtime.gc_tuning import collect_less_often
from services.common.telemetry.logs import configure_logging
from services.jobs.application.change_feed import ChangeFeed
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.runner import Runner
from services.jobs.domain.forecaster import (
    ForecasterInfo,
    ForecasterReplica,
    GeneratedForecasts,
    Generation,
    TermForecast,
)
from services.jobs.domain.job import ClaimedJob, EnqueueReason, QueuePolicy, WarmupJob
from services.jobs.domain.snapshot import ForecastKey
from services.jobs.migrator import commands
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.driver.listener import Listener
from services.jobs.postgres.listings import Listings
from services.jobs.postgres.queue import Queue

_POLL = 5.0  # seconds, as by default
_TERM = "costco"

# A comparison and its current snapshot, a year of weeks, for each job. Imports are not measured.
_COMPARISONS = """
WITH numbers AS (SELECT 'a' || lpad(n::text, 6, '0') AS term, n FROM generate_series(0, %(last)s) AS n),
pairs AS (
    INSERT INTO term_pairs (slug, term_a, term_b)
    SELECT term || '-vs-costco', term, 'costco' FROM numbers RETURNING slug, term_a
),
stored AS (
    INSERT INTO snapshots (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period,
                           scaled_apart, gaps_filled, source, as_of, cleaned, signals)
    SELECT slug, '12m', '', lpad(substr(term_a, 2), 16, '0'),
           ARRAY(SELECT timestamptz '2024-01-07' + week * interval '7 days' FROM generate_series(0, 51) AS week),
           ARRAY(SELECT (week * 7 %% 100)::float8 FROM generate_series(0, 51) AS week),
           ARRAY(SELECT (week * 3 %% 100)::float8 FROM generate_series(0, 51) AS week),
           false, false, false, 'benchmark', '2025-01-01', '{}',
           (SELECT jsonb_agg(jsonb_build_object('trend', 'flat', 'volatility', 1, 'seasonality', 0, 'last_value', 50,
                                                'change4', 0)) FROM generate_series(1, 2))
    FROM pairs RETURNING id, slug
)
INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id) SELECT slug, '12m', '', id FROM stored
"""


class Warmcast:
    """The queue of this project."""

    concurrency = 200  # of which each claim takes half
    unfinished = "SELECT count(*) FROM warmup_jobs WHERE status <> 'ready'"

    @staticmethod
    def key(slug: str) -> ComparisonKey:
        """The key of a comparison."""
        return ComparisonKey(slug, "12m", "")

    async def install(self, url: str, jobs: int) -> None:
        """Migrates the database, and adds `jobs` comparisons."""
        await asyncio.to_thread(commands.upgrade, url)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(_COMPARISONS, {"last": jobs - 1})

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """Enqueues as first calls do, ten concurrently."""
        async with self.producer(url) as enqueue:
            for first in range(0, len(numbers), 10):
                await asyncio.gather(*(enqueue(number) for number in numbers[first : first + 10]))

    @asynccontextmanager
    async def producer(self, url: str) -> AsyncIterator[Enqueue]:
        """Adds each job with the upsert of a first call."""
        database = Database(url, pool_size=1, wait=60)  # one connection, as the peers; the publisher adds its own
        publisher = ChangePublisher(database)
        queue = Queue(database, QueuePolicy(), holder="", publisher=publisher)

        async def enqueue(number: int) -> None:
            job = await queue.enqueue(
                self.key(f"a{number:06d}-vs-{_TERM}"),
                f"{number:016d}",
                seen_version=0,
                reason=EnqueueReason.FIRST_CALL,
            )
            if job is None:
                raise RuntimeError(f"job {number} was not enqueued")

        await database.open()
        publishing = asyncio.create_task(publisher.run())
        yield enqueue
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await database.close()

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """Runs dispatcher, runner, listener and publisher on a pool of the default size."""
        configure_logging("jobs", log_format="json", level="warning")  # peers do not log each job either
        collect_less_often()  # as the service does
        policy = QueuePolicy()
        database = Database(url, pool_size=10)
        await database.open()
        publisher = ChangePublisher(database)
        queue = Queue(database, policy, holder=uuid.uuid4().hex, publisher=publisher)
        forecaster = NoForecaster(concurrency, started)
        runner = Runner(queue, forecaster, policy)
        dispatcher = Dispatcher(queue, runner, forecaster, poll=_POLL)
        feed = ChangeFeed(Listings(database, policy).changed)
        listener = Listener(url, on_wake_up=dispatcher.wake, on_change=feed.on_change, on_missed=feed.on_missed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.run())
            tasks.create_task(feed.run())
            tasks.create_task(publisher.run())
            tasks.create_task(dispatcher.dispatch())


class NoForecaster:
    """Replaces the RPC: returns at once, without points."""

    def __init__(self, slots: int, started: Started) -> None:
        self._info = ForecasterInfo("benchmark", slots)
        self._started = started
        generated_at = datetime.now(UTC)
        term_a, term_b = (TermForecast(term, "0" * 16, "stable", ()) for term in ("a", _TERM))
        self._answer = GeneratedForecasts("benchmark", generated_at, False, term_a, term_b)

    async def generate(self, job: ClaimedJob) -> Generation:
        """Records the job's start."""
        self._started(int(job.slug[1:7]))
        yield self._answer

    async def missing(self, keys: Sequence[ForecastKey]) -> list[bool]:
        """Not called, because nothing is audited."""
        raise AssertionError(f"{len(keys)} bundles were checked")

    async def record_failure(self, job: WarmupJob) -> None:
        """Stops the benchmark: no run may fail."""
        raise AssertionError(job.last_error)

    async def describe(self) -> ForecasterInfo:
        """One slot per concurrent job."""
        return self._info

    def replicas(self) -> list[ForecasterReplica]:
        """Not called, because no status is read."""
        raise AssertionError("the replicas were listed")


SYSTEM = Warmcast()
