"""A connection pooler in front of PostgreSQL: session mode works, other modes are refused at start-up."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from services.common.runtime.background import RefusedError
from services.jobs.migrator import commands
from services.jobs.migrator.errors import MigrationError
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.driver.listener import Listener
from services.jobs.postgres.driver.pooler import refuse_shared_backends
from tests.integration.jobs.conftest import Store, forecasts
from tests.integration.jobs.pgbouncer import pgbouncer
from tests.integration.jobs.process import jobs_process
from tests.waiting import wait_until, wait_until_async

_SHARED = ("transaction", "statement")
_ROUND_ROBIN = {"server_round_robin": "1", "min_pool_size": "4"}


@pytest.mark.parametrize("pool_mode", _SHARED)
@pytest.mark.parametrize("settings", [{}, {"default_pool_size": "1"}, _ROUND_ROBIN], ids=["many", "one", "rotating"])
async def test_a_pooler_that_shares_sessions_is_refused_with_cause_and_remedy(
    database_url: str, pool_mode: str, settings: dict[str, str]
) -> None:
    with pgbouncer(database_url, pool_mode=pool_mode, **settings) as url:
        with pytest.raises(RefusedError) as caught:
            await refuse_shared_backends(url)
        assert "transaction or statement mode" in str(caught.value)
        assert "pool_mode = session" in str(caught.value)


@pytest.mark.parametrize("settings", [{}, {"default_pool_size": "1"}, _ROUND_ROBIN], ids=["many", "one", "rotating"])
async def test_a_pooler_in_session_mode_is_accepted(database_url: str, settings: dict[str, str]) -> None:
    with pgbouncer(database_url, pool_mode="session", **settings) as url:
        await refuse_shared_backends(url)


async def test_a_direct_connection_is_accepted(database_url: str) -> None:
    await refuse_shared_backends(database_url)


@pytest.mark.parametrize("pool_mode", _SHARED)
def test_a_migration_is_refused_before_it_locks(empty_database_url: str, pool_mode: str) -> None:
    with pgbouncer(empty_database_url, pool_mode=pool_mode) as url:
        with pytest.raises(MigrationError, match="transaction or statement mode"):
            commands.upgrade(url)
        with psycopg.connect(empty_database_url) as connection:
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert connection.execute(query).fetchone() == (0,)


@pytest.mark.parametrize("size", ["1", "3"])
def test_a_migration_runs_in_session_mode_with_any_pool_size(empty_database_url: str, size: str) -> None:
    with pgbouncer(empty_database_url, pool_mode="session", default_pool_size=size) as url:
        assert commands.upgrade(url) == commands.head()


@pytest.mark.parametrize("pool_mode", _SHARED)
def test_jobs_refuses_to_start(database_url: str, pool_mode: str) -> None:
    with pgbouncer(database_url, pool_mode=pool_mode) as url, jobs_process(url) as jobs:
        wait_until(lambda: not jobs.running, 30, "it ended by itself")
        assert "ended with status 2" in jobs.exit_summary
        assert "transaction or statement mode" in jobs.exit_summary


def test_jobs_runs_in_session_mode(database_url: str) -> None:
    with pgbouncer(database_url, pool_mode="session", default_pool_size="40") as url, jobs_process(url) as jobs:
        wait_until(jobs.ready, 30, "it is ready")


async def test_the_stores_work_in_session_mode(database_url: str) -> None:
    woken = asyncio.Event()
    with pgbouncer(database_url, pool_mode="session", default_pool_size="40") as url:
        listener = Listener(url, on_wake_up=woken.set, on_change=lambda _: None, on_missed=lambda: None)
        listening = asyncio.create_task(listener.run())
        for term in ("amazon", "walmart"):  # the second time in used sessions
            database = Database(url, pool_size=3)
            await database.open()
            store = Store(url, database)
            woken.clear()
            await store.queued(term)
            await wait_until_async(lambda: _is_set(woken), 2, "a start is notified")
            (job,) = (await store.queue.claim(1)).claimed
            assert await store.queue.ready(job, forecasts())
            await database.close()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _is_set(event: asyncio.Event) -> bool:
    return event.is_set()
