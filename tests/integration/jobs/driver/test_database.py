"""The stores while PostgreSQL is unavailable, and after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from devstack.stores.postgres import Postgres
from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.settings import GatewaySettings
from services.jobs.application.runner import Runner
from services.jobs.application.sweeper import Sweeper
from services.jobs.domain.comparison import ComparisonSearch
from services.jobs.domain.job import WarmupJob
from services.jobs.domain.queue import JobFilter
from services.jobs.postgres.driver.connection import run
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.listings import Listings
from services.jobs.postgres.search import Search
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store, succeed
from tests.waiting import wait_until_async


@pytest.fixture
async def quick(database_url: str) -> AsyncIterator[Store]:
    """Stores that wait for a connection as long as the service does."""
    database = Database(database_url, pool_size=3)
    await database.open()
    yield Store(database_url, database)
    await database.close()


async def test_a_restart_of_the_server_fails_neither_statement_nor_listing(quick: Store, postgres: Postgres) -> None:
    job = await quick.queued()
    await quick.listings.jobs(JobFilter(), limit=5)
    postgres.restart()
    assert [row.id for row in await quick.listings.jobs(JobFilter(), limit=5)] == [job.id]
    postgres.restart()
    assert await quick.row(job) == job


async def test_a_restart_of_the_server_fails_at_most_one_claim(quick: Store, postgres: Postgres) -> None:
    job = await quick.queued()
    await quick.queue.claim(0)
    postgres.restart()
    with pytest.raises(WarmcastError, match="PostgreSQL is unavailable"):
        await quick.queue.claim(1)
    assert [claimed.id for claimed in (await quick.queue.claim(1)).claimed] == [job.id]


class UnknownOutcomes:
    """Counts statements with an unknown outcome."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


_SLEEP = "SELECT pg_sleep(600)"
_SLEEPERS = f"SELECT pid FROM pg_stat_activity WHERE query = '{_SLEEP}' AND state = 'active'"


async def test_a_response_that_is_lost_with_its_connection_is_reported_each_time(quick: Store) -> None:
    unknown = UnknownOutcomes()
    call = asyncio.create_task(quick.database.fetch(_SLEEP, on_unknown_outcome=unknown))
    ended: set[object] = set()

    async def new_backends() -> set[object]:
        # A backend that is being terminated may still be listed as active.
        return {row["pid"] for row in await quick.execute(_SLEEPERS)} - ended

    for _ in range(2):  # sent, and retried
        await wait_until_async(new_backends, 10, "it is under way")
        for pid in await new_backends():
            await quick.execute("SELECT pg_terminate_backend(%(pid)s)", pid=pid)
            ended.add(pid)
    with pytest.raises(WarmcastError):
        await call
    assert unknown.times == 2


@pytest.mark.parametrize("way", ["fetch", "fetch_once", "transaction"])
async def test_the_unknown_outcome_of_a_cancelled_statement_is_reported(quick: Store, way: str) -> None:
    async def in_a_transaction() -> None:
        async with quick.database.transaction(on_unknown_outcome=unknown) as connection:
            await run(connection, _SLEEP)

    unknown = UnknownOutcomes()
    calls = {
        "fetch": lambda: quick.database.fetch(_SLEEP, on_unknown_outcome=unknown),
        "fetch_once": lambda: quick.database.fetch_once(_SLEEP, {}, on_unknown_outcome=unknown),
        "transaction": in_a_transaction,
    }
    call = asyncio.create_task(calls[way]())
    await wait_until_async(lambda: quick.execute(_SLEEPERS), 10, "it is under way")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert unknown.times == 1


async def test_a_statement_without_a_free_connection_has_a_known_outcome(quick: Store) -> None:
    unknown = UnknownOutcomes()
    async with AsyncExitStack() as held:
        for _ in range(3):
            await held.enter_async_context(quick.database.transaction())
        with pytest.raises(WarmcastError):
            await quick.database.fetch("SELECT 1", on_unknown_outcome=unknown)
    assert unknown.times == 0


async def test_listings_report_an_unavailable_server(quick: Store, postgres: Postgres) -> None:
    job = await quick.claimed()
    assert await Runner(quick.queue, FakeForecaster(succeed), POLICY).run(job)
    postgres.stop()
    try:
        for call in (
            quick.listings.jobs(JobFilter(), limit=5),
            Search(quick.database).comparisons(ComparisonSearch(), limit=5, after=None),
            quick.listings.audit_page(limit=5, after_id=0),
            quick.queue.job(job.id),
        ):
            with pytest.raises(WarmcastError) as caught:
                # The error arrives before the gateway's own timeout.
                async with asyncio.timeout(GatewaySettings().rpc_timeout_seconds):
                    await call
            assert (caught.value.reason, caught.value.detail) == (errors.UNAVAILABLE, "PostgreSQL is unavailable")
    finally:
        postgres.start()


async def test_a_server_that_stops_between_sweep_and_audit_ends_the_audit_early(
    quick: Store, postgres: Postgres
) -> None:
    await quick.queued()
    await quick.execute("UPDATE warmup_jobs SET queued_at = now() - interval '1 h'")

    class Stopping(Listings):
        async def audit_page(
            self, *, limit: int, after_id: int, up_to_id: int | None = None
        ) -> list[tuple[WarmupJob, tuple[str, str]]]:
            postgres.stop()
            return await super().audit_page(limit=limit, after_id=after_id, up_to_id=up_to_id)

    try:
        swept = await Sweeper(quick.queue, Stopping(quick.database, POLICY), FakeForecaster(succeed)).sweep()
    finally:
        postgres.start()
    assert len(swept.requeued) == 1
    assert swept.audit_skipped == "PostgreSQL is unavailable"
