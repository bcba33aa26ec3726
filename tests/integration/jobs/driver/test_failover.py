"""A failover after which the old primary is read-only and keeps every open connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from devstack.stores.ports import LOOPBACK
from devstack.stores.postgres import Postgres
from services.jobs.domain.job import EnqueueReason
from services.jobs.migrator import commands
from services.jobs.postgres.driver import listener as listener_module
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.driver.listener import Listener
from tests.chaos.proxy import Proxy
from tests.integration.jobs.conftest import Store, forecasts, key_of
from tests.waiting import wait_until, wait_until_async


@pytest.fixture
def new_primary(postgres: Postgres, database_url: str, tmp_path: Path) -> Iterator[Postgres]:
    """Another server, with the same password and a migrated database of the same name."""
    name = database_url.rpartition("/")[2]
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "password").write_text((postgres.data_dir / "password").read_text())
    server = Postgres(folder, settings={"fsync": "off"})
    server.start()
    with psycopg.connect(server.database_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    commands.upgrade(server.database_url(name))
    yield server
    server.stop()


@pytest.mark.slow
async def test_no_call_fails_when_the_address_moves_to_a_new_primary(
    database_url: str, postgres: Postgres, new_primary: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = database_url.rpartition("/")[2]
    link = Proxy("the address of the primary", postgres.port)
    url = f"{database_url.rpartition('@')[0]}@{LOOPBACK}:{link.port}/{name}"
    database = Database(url, pool_size=3)
    await database.open()
    store = Store(url, database)
    monkeypatch.setattr(listener_module, "_ECHO_EVERY", 0.5)
    changes: list[str] = []
    listener = Listener(url, on_wake_up=lambda: None, on_change=changes.append, on_missed=lambda: None)
    listening = asyncio.create_task(listener.run())
    try:
        await store.queued("amazon")
        await store.queue.claim(0)  # the subscriber is connected

        async def heard_from_the_old_primary() -> bool:
            store.publisher.publish_unknown()
            return await store.publisher.flush() and "*" in changes

        await wait_until_async(heard_from_the_old_primary, 10, "it listens")
        with _read_only(postgres):
            link.retarget(new_primary.port)
            snapshot = await store.comparison("amazon")
            job = await store.queue.enqueue(
                key_of(snapshot), snapshot.data_hash, seen_version=0, reason=EnqueueReason.FIRST_CALL
            )
            assert job is not None
            (claimed,) = (await store.queue.claim(1)).claimed
            assert await store.queue.heartbeat(claimed)
            assert await store.queue.ready(claimed, forecasts())

            async def heard_from_the_new_primary() -> bool:
                await store.execute("SELECT pg_notify('warmcast_changes', 'moved')")
                return "moved" in changes

            await wait_until_async(heard_from_the_new_primary, 10, "LISTEN has moved")
            store.publisher.publish([claimed.id])
            assert await store.publisher.flush()
            await wait_until_async(lambda: _is_in(str(claimed.id), changes), 5, "what is notified goes there too")
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await database.close()
        link.close()


@pytest.mark.slow
async def test_stores_use_the_writable_one_of_two_hosts(
    database_url: str, postgres: Postgres, new_primary: Postgres
) -> None:
    name = database_url.rpartition("/")[2]
    ports = f"{LOOPBACK}:{postgres.port},{LOOPBACK}:{new_primary.port}"
    database = Database(f"{database_url.rpartition('@')[0]}@{ports}/{name}", pool_size=2, wait=10)
    with _read_only(postgres):
        await database.open()
        try:
            store = Store(database_url, database)
            await store.queued("amazon")
            assert len((await store.queue.claim(1)).claimed) == 1
        finally:
            await database.close()


async def _is_in(change: str, changes: list[str]) -> bool:
    return change in changes


@contextmanager
def _read_only(server: Postgres) -> Iterator[None]:
    """Makes the server read-only, for open sessions too."""
    with psycopg.connect(server.database_url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")

        def reloaded() -> bool:
            with psycopg.connect(server.database_url("postgres")) as new:
                return new.execute("SHOW default_transaction_read_only").fetchone() == ("on",)

        # New sessions have the setting only once open ones were signalled; those read it before their next statement.
        wait_until(reloaded, 30, "the server is read-only")
        try:
            yield
        finally:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")
