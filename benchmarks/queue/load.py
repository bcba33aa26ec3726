"""Measures the product under a busy machine and under a mass expiry, with default settings.

`python -m benchmarks.queue.load false-rescues` runs jobs while other processes use every core, and counts rescues of
runs that were alive. `… expiry` deletes 500 comparisons' bundles from Redis under a steady load of premium calls, and
compares their p99 with that of a quiet interval just before.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator

import psycopg
import redis
import uvloop

from benchmarks.queue.caller import Caller
from benchmarks.queue.systems.warmcast import SYSTEM
from benchmarks.stack import Stack
from services.jobs.domain.job import QueuePolicy
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.queue import Queue

_READY_SECONDS = 60.0
_COMPARISONS = 500
_TARGET = 2.0  # × the p99 of the quiet interval


def main(arguments: list[str]) -> int:
    """Prints the results. Returns 1 if the target is missed."""
    parser = argparse.ArgumentParser(prog="bench-queue-load")
    kinds = parser.add_subparsers(dest="kind", required=True)
    rescues = kinds.add_parser("false-rescues")
    rescues.add_argument("--seconds", type=float, default=600, help="of full load (600)")
    expiry = kinds.add_parser("expiry")
    expiry.add_argument("--rate", type=float, default=100, help="premium calls a second (100)")
    expiry.add_argument("--seconds", type=float, default=30, help="of quiet, and then of expiry (30 each)")
    expiry.add_argument("--trials", type=int, default=3, help="how often (3)")
    options = parser.parse_args(arguments)
    with _product() as (base_url, environment):
        if options.kind == "false-rescues":
            return asyncio.run(_false_rescues(environment["DATABASE_URL"], options.seconds))
        return uvloop.run(_expiry(base_url, environment, options.rate, options.seconds, options.trials))


async def _false_rescues(url: str, seconds: float) -> int:
    database = Database(url, pool_size=2)
    await database.open()
    queue = Queue(database, QueuePolicy(), holder="", publisher=ChangePublisher(database))
    keys = [row["slug"] for row in await database.fetch("SELECT slug FROM comparisons ORDER BY slug")]
    with _busy_cores():
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            # Keeps jobs in the queue, but few enough that none becomes overdue.
            (waiting,) = await database.fetch("SELECT count(*) AS jobs FROM warmup_jobs WHERE status = 'queued'")
            for slug in random.sample(keys, 10) if waiting["jobs"] < 10 else ():
                await queue.trigger(SYSTEM.key(slug), force=False)
            await asyncio.sleep(0.1)
    (seen,) = await database.fetch(
        "SELECT max(lease_id) AS runs, sum(requeues) AS rescued, "
        "count(*) FILTER (WHERE last_error IS NOT NULL) AS failed FROM warmup_jobs"
    )
    await database.close()
    print(
        f"{seconds:.0f} s with every core busy: {seen['runs']} runs, {seen['rescued']} false rescues, "
        f"{seen['failed']} jobs whose last run failed"
    )
    return 1 if seen["rescued"] else 0


async def _expiry(base_url: str, environment: dict[str, str], rate: float, seconds: float, trials: int) -> int:
    ratios = []
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        slugs = [str(slug) for (slug,) in connection.execute("SELECT slug FROM comparisons")]
        async with Caller(base_url) as caller:
            for _ in range(trials):
                for slug in slugs:  # warms everything that the last trial did not request
                    await caller.call(slug)
                await _until(connection, "SELECT count(*) = 0 FROM warmup_jobs WHERE status <> 'ready'")
                # Bundles lost within a minute after `ready` are computed again only after that minute.
                connection.execute("UPDATE warmup_jobs SET completed_at = completed_at - interval '1 min'")
                quiet = await caller.p99(slugs, rate=rate, seconds=seconds)
                with redis.Redis.from_url(environment["REDIS_URL"]) as cache:
                    gone = cache.delete(*cache.scan_iter("forecast:*", count=1000))
                expired = await caller.p99(slugs, rate=rate, seconds=seconds)
                ratios.append(expired / quiet)
                print(
                    f"{gone} bundles gone at once: p99 {1000 * quiet:.1f} → {1000 * expired:.1f} ms at {rate:.0f}/s, "
                    f"{ratios[-1]:.2f} ×",
                    flush=True,
                )
    return 1 if sorted(ratios)[len(ratios) // 2] > _TARGET else 0


async def _until(connection: psycopg.Connection, query: str) -> None:
    until = time.monotonic() + 10 * _READY_SECONDS
    while connection.execute(query.encode()).fetchone() != (True,):
        if time.monotonic() > until:
            raise TimeoutError(query)
        await asyncio.sleep(0.1)


@contextlib.contextmanager
def _product() -> Iterator[tuple[str, dict[str, str]]]:
    """The gateway's base URL and the services' environment."""
    with Stack() as stack:
        asyncio.run(SYSTEM.install(stack.environment["DATABASE_URL"], _COMPARISONS))
        base_url, _ = stack.gateway(LOG_LEVEL="warning")
        yield base_url, stack.environment


@contextlib.contextmanager
def _busy_cores() -> Iterator[None]:
    burners = [
        multiprocessing.get_context("spawn").Process(target=_burn, daemon=True) for _ in range(os.cpu_count() or 1)
    ]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.join()


def _burn() -> None:
    while True:
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
