"""Concurrent import and retention: after each import its data are current and stored."""

from __future__ import annotations

import asyncio

import pytest

from services.jobs.domain.comparison import ImportResult
from services.jobs.domain.snapshot import ImportedSnapshot
from services.jobs.postgres.driver.connection import run
from services.jobs.postgres.sql import upkeep
from tests.integration.jobs.conftest import Store, key_of, make_snapshot, signals_of
from tests.waiting import wait_until_async

OLD, NEW = (1, 2, 3), (1, 2, 3, 4)
AGE = "UPDATE snapshots SET created_at = now() - interval '31 days'"


async def replaced_data(store: Store) -> ImportedSnapshot:
    """Data of a comparison that has newer ones, old enough for retention."""
    old = await store.comparison(values=OLD)
    await store.comparison(values=NEW)
    await store.execute(AGE)
    return old


async def ingest(store: Store, snapshot: ImportedSnapshot) -> ImportResult:
    return await store.comparisons.ingest(snapshot, signals_of(snapshot))


async def current_hash(store: Store, snapshot: ImportedSnapshot) -> str:
    return (await store.comparisons.view(key_of(snapshot))).data_hash


async def one_waits(store: Store) -> bool:
    return await store.waiting() == 1


@pytest.mark.parametrize("deleted", [True, False])
async def test_an_import_waits_for_a_deletion_of_its_data_and_is_current_afterwards(
    store: Store, deleted: bool
) -> None:
    old = await replaced_data(store)
    async with store.database.transaction() as retention:
        locked = await run(retention, upkeep.LOCK_OLD_SNAPSHOTS, {"days": 30, "limit": 9})
        if deleted:
            await run(retention, upkeep.DELETE_OLD_SNAPSHOTS, {"ids": [row["id"] for row in locked]})
        importing = asyncio.create_task(ingest(store, old))
        await wait_until_async(lambda: one_waits(store), 10, "the import waits for retention")
    assert (await importing).created is deleted
    assert await current_hash(store, old) == old.data_hash


async def test_retention_skips_data_that_an_import_is_making_current(store: Store) -> None:
    old = await replaced_data(store)
    async with store.database.transaction() as other:
        await run(other, "SELECT FROM comparisons FOR UPDATE")
        importing = asyncio.create_task(ingest(store, old))
        await wait_until_async(lambda: one_waits(store), 10, "the import has stored its data, which are not current")
        assert await store.queue.delete_old(days=30, limit=9) == 0
    assert not (await importing).created
    assert await current_hash(store, old) == old.data_hash


async def test_data_that_became_current_before_retention_locked_them_are_kept(store: Store) -> None:
    old = await replaced_data(store)
    ids = [row["id"] for row in await store.execute("SELECT id FROM snapshots ORDER BY id")]
    await ingest(store, old)
    deleted = await store.execute(upkeep.DELETE_OLD_SNAPSHOTS, ids=ids)
    assert [row["id"] for row in deleted] == ids[1:]
    assert await current_hash(store, old) == old.data_hash


async def test_data_named_by_an_import_are_current_and_stored_while_retention_runs(store: Store) -> None:
    imports_left = 6

    async def imports(term: str) -> None:
        nonlocal imports_left
        for number in range(60):
            snapshot = make_snapshot(term, (1, 2, 3, number % 3))
            await ingest(store, snapshot)
            assert await current_hash(store, snapshot) == snapshot.data_hash
        imports_left -= 1

    async def retention() -> None:
        while imports_left:
            await store.queue.delete_old(days=0, limit=50)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for number in range(imports_left):
            tasks.create_task(imports(f"term {number}"))
        for _ in range(3):
            tasks.create_task(retention())
