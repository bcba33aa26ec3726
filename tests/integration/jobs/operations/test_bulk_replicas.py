"""Bulk operations change each row once or skip it, whichever process runs them and however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from devstack.stores.postgres import Postgres
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.operations import BulkAction, BulkState
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.reports.coverage import CoverageFilter
from services.jobs.postgres.driver.connection import Connection, run
from services.jobs.postgres.operations.bulk import BulkOperations
from services.jobs.postgres.sql import bulk as sql
from tests.integration.jobs.conftest import FakeForecaster, Store, succeed
from tests.integration.jobs.operations.confirmed import (
    ADA,
    FAILED,
    progress,
    recorded,
    run_all,
    started,
    versions,
)
from tests.integration.jobs.operations.filling import fill
from tests.integration.jobs.running import dispatching
from tests.waiting import wait_until_async

_RUN = "services.jobs.postgres.operations.bulk.run"


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Iterator[None]:
    """A batch fails after its changes, before its progress is stored."""

    async def crash(connection: Connection, statement: str, parameters: Mapping[str, object] | None = None) -> Any:
        if statement is sql.ADVANCE:
            raise error
        return await run(connection, statement, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(_RUN, crash)
        yield


async def test_an_abort_during_a_batch_waits_for_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(store, 30)
    operation = await started(store)
    reached, release = asyncio.Event(), asyncio.Event()

    async def hold(connection: Connection, statement: str, parameters: Mapping[str, object] | None = None) -> Any:
        if statement is sql.ADVANCE:
            reached.set()
            await release.wait()
        return await run(connection, statement, parameters)

    monkeypatch.setattr(_RUN, hold)
    batch = asyncio.create_task(store.bulk_of("first", batch=10).run_batch())
    await reached.wait()
    abort = asyncio.create_task(Bulk(store.bulk).abort(operation.id, ADA))

    async def waits() -> bool:
        return await store.waiting() == 1

    await wait_until_async(waits, 10, "the abort waits for the batch")
    release.set()
    await batch
    aborted = await abort
    assert (aborted.state, aborted.done) == (BulkState.ABORTED, 10)


async def test_a_killed_replica_loses_and_repeats_nothing(store: Store) -> None:
    await fill(store, 50)
    operation = await started(store)
    killed, other = (store.bulk_of(name, batch=10, lease=60) for name in ("killed", "other"))
    await killed.run_batch()
    await killed.run_batch()
    assert await other.run_batch() is None, "the lease of the first one still holds"
    await store.execute("UPDATE bulk_operations SET lease_expires_at = now()")
    assert await other.run_batch() is not None
    assert await run_all(other) == 2
    assert await killed.run_batch() is None
    assert await progress(store, operation) == (BulkState.DONE, 50, 0)
    assert await versions(store) == {("queued", 2): 50}
    assert [row[4] for row in await recorded(store)] == [50]


async def test_a_process_that_ends_within_a_batch_rolls_it_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(store, 25)
    operation = await started(store)
    crashed = store.bulk_of("crashed", batch=10)
    await crashed.run_batch()
    with failing(monkeypatch, asyncio.CancelledError()), pytest.raises(asyncio.CancelledError):
        await crashed.run_batch()
    assert await progress(store, operation) == (BulkState.RUNNING, 10, 0)
    assert await versions(store) == {("queued", 2): 10, ("failed", 1): 15}
    await store.execute("UPDATE bulk_operations SET lease_expires_at = now()")
    await run_all(store.bulk_of("other", batch=10))
    assert await progress(store, operation) == (BulkState.DONE, 25, 0)
    assert await versions(store) == {("queued", 2): 25}


async def test_two_replicas_run_two_operations_and_never_one_together(store: Store) -> None:
    await fill(store, 60)
    failed = await started(store, BulkAction.REQUEUE, JobFilter(status=JobStatus.FAILED, slug="a-vs-term1"))
    others = await started(store)
    replicas = [store.bulk_of(name, batch=5) for name in ("one", "two")]
    held = [batch.operation.id for batch in await asyncio.gather(*(each.run_batch() for each in replicas)) if batch]
    assert sorted(held) == [failed.id, others.id]
    await asyncio.gather(*(run_all(each) for each in replicas))
    await store.execute("UPDATE bulk_operations SET lease_expires_at = now()")
    await run_all(replicas[0])
    ended = [await progress(store, each) for each in (failed, others)]
    assert [state for state, _, _ in ended] == [BulkState.DONE] * 2
    assert sum(done for _, done, _ in ended) == 60
    assert sum(skipped for _, _, skipped in ended) == 1, "the job that both match, by the later one"
    assert await versions(store) == {("queued", 2): 60}


async def test_the_loops_of_two_replicas_finish_what_one_confirms(store: Store) -> None:
    await fill(store, 60)
    loops = [Bulk(store.bulk_of(name, batch=5, lease=1), poll=0.05) for name in ("one", "two")]
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    operation, _ = await loops[0].prepare_jobs(BulkAction.REQUEUE, FAILED, operator="Ada")
    await loops[0].confirm(operation.id, ADA)

    async def begun() -> bool:
        return (await progress(store, operation))[1] > 0

    async def done() -> bool:
        return (await progress(store, operation))[0] is BulkState.DONE

    await wait_until_async(begun, 10, "a batch is done")
    tasks[0].cancel()  # whether it runs the operation or not
    await wait_until_async(done, 20, "the operation is done")
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await progress(store, operation) == (BulkState.DONE, 60, 0)
    assert await versions(store) == {("queued", 2): 60}


@pytest.mark.parametrize("seed", range(3))
async def test_jobs_change_and_replicas_die_at_any_moment(store: Store, seed: int) -> None:
    """Every job is changed once, by the operation or by another; the operation counts each exactly once."""
    chance = random.Random(seed)
    ids = await fill(store, 200)
    operation = await started(store)
    replicas = [store.bulk_of(f"replica {number}", batch=7, lease=0.05) for number in range(3)]

    async def change_others() -> None:
        change = "UPDATE warmup_jobs SET status = 'ready', version = version + 1 WHERE id = %(id)s AND version = 1"
        for job_id in chance.sample(ids, 100):
            await store.execute(change, id=job_id)

    async def run_and_die(replica: BulkOperations) -> None:
        while (await progress(store, operation))[0] is not BulkState.DONE:
            lives = chance.choice((None, chance.uniform(0.001, 0.05)))  # seconds; None: to the end of the batch
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(lives):
                    await replica.run_batch()

    await asyncio.wait_for(asyncio.gather(change_others(), *map(run_and_die, replicas)), 60)
    after = await versions(store)
    queued, others = after[("queued", 2)], after.get(("ready", 2), 0)
    assert queued + others == len(ids), "no job was changed twice, and none was lost"
    _, done, skipped = await progress(store, operation)
    assert (done, skipped) == (queued, others)
    assert [row[4] for row in await recorded(store)] == [queued]


async def test_postgres_may_go_away_during_an_operation(store: Store, postgres: Postgres) -> None:
    await fill(store, 200)
    operation = await started(store)
    loop = Bulk(store.bulk_of("first", batch=5, lease=1), poll=0.05)
    task = asyncio.create_task(loop.run())

    async def begun() -> bool:
        return (await progress(store, operation))[1] > 0

    async def done() -> bool:
        try:
            return (await progress(store, operation))[0] is BulkState.DONE
        except WarmcastError:
            return False

    await wait_until_async(begun, 10, "a batch is done")
    postgres.restart()
    await wait_until_async(done, 30, "the operation is done")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await progress(store, operation) == (BulkState.DONE, 200, 0)
    assert await versions(store) == {("queued", 2): 200}
    assert [row[4] for row in await recorded(store)] == [200]


async def test_operations_run_beneath_traffic(store: Store) -> None:
    """Runs claim, complete and are cancelled while two replicas requeue, cancel and warm the same jobs."""
    await fill(store, 150, "queued")
    loops = [Bulk(store.bulk_of(name, batch=10, lease=1), poll=0.05) for name in ("one", "two")]
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    operations = []
    async with dispatching(store, FakeForecaster(succeed, slots=8), poll=0.05, listen=False):
        for action in (BulkAction.CANCEL, BulkAction.REQUEUE, BulkAction.CANCEL, BulkAction.REQUEUE):
            operation, _ = await loops[0].prepare_jobs(action, JobFilter(), operator="Ada")
            operations.append(await loops[0].confirm(operation.id, ADA))
            warm, _ = await loops[1].prepare_comparisons(CoverageFilter(), operator="Ada")
            operations.append(await loops[1].confirm(warm.id, ADA))

        async def settled() -> bool:
            running = await store.execute("SELECT id FROM bulk_operations WHERE state = 'running'")
            jobs = await store.execute("SELECT id FROM warmup_jobs WHERE status IN ('queued', 'running')")
            return not running and not jobs

        await wait_until_async(settled, 60, "the operations are done, and no job waits or runs")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for operation in operations:
        state, done, skipped = await progress(store, operation)
        assert (state, done + skipped) == (BulkState.DONE, operation.matched)
    ready = await store.execute("SELECT count(*) AS count FROM warmup_attempts WHERE outcome = 'ready'")
    assert ready[0]["count"]
    # Each lease ends in one attempt.
    (leases,) = await store.execute("SELECT last_value AS count FROM warmup_lease_ids")
    assert await store.execute("SELECT count(*) AS count FROM warmup_attempts") == [leases]
