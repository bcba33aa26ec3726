"""Each guard of the queue: without it the fault that it prevents appears, with it the fault does not.

The guard in Redis, the fence, has such a test beside the forecaster's cache.
"""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.runner import Runner
from services.jobs.domain.job import ClaimedJob, Claims, WarmupJob
from services.jobs.domain.operations import Record
from services.jobs.domain.reports.history import Failure
from services.jobs.postgres.driver.connection import run
from services.jobs.postgres.sql import claims, edges, rescue
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store, succeed
from tests.integration.jobs.running import holds
from tests.waiting import wait_until_async

LEASE_CHECK = (
    "AND ((job.id, job.lease_id) IN (SELECT * FROM unnest(%(ids)s::bigint[], %(lease_ids)s::bigint[]))) IS TRUE"
)
LOCK = "    LIMIT %(limit)s\n    FOR UPDATE SKIP LOCKED\n"


def take_out(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, statement: str, guard: str, instead: str = ""
) -> None:
    whole = getattr(module, statement)
    assert guard in whole
    monkeypatch.setattr(module, statement, whole.replace(guard, instead))


@pytest.mark.parametrize("guarded", [True, False])
async def test_the_lease_check_prevents_a_completion_by_a_lost_holder(
    store: Store, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        take_out(monkeypatch, edges, "READY", LEASE_CHECK)
    zombie = await store.claimed()
    await store.execute("UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s'")
    await store.queue.sweep()
    holder = await store.claim_one()
    await store.ready(zombie)
    row = await store.row(holder)
    assert row.status is (JobStatus.RUNNING if guarded else JobStatus.READY)


@pytest.mark.parametrize("guarded", [True, False])
async def test_row_locks_prevent_two_claims_of_one_job(
    store: Store, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        take_out(monkeypatch, claims, "CLAIM", LOCK, "    LIMIT %(limit)s\n")
    await store.queued()
    parameters = store.queue._policy | {"limit": 1, "holder": "first", "trace_id": None, "trace_seed": ""}
    async with store.database.transaction() as connection:
        first = await run(connection, claims.CLAIM, parameters)
        # Still uncommitted: the second claim sees the job as queued.
        second = asyncio.create_task(store.runner("second").claim(1))
        if guarded:
            assert (await asyncio.wait_for(second, 10)).claimed == (), "it neither waits nor takes the same"
        else:
            await wait_until_async(store.waiting, 10, "the second claim waits for the first")
    assert len(first) == 1
    assert len((await second).claimed) == (0 if guarded else 1)


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_claim_skips_a_job_that_another_session_locks(
    store: Store, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        take_out(monkeypatch, claims, "CLAIM", LOCK, LOCK.replace(" SKIP LOCKED", ""))
    await store.queued("amazon")
    other = await store.queued("walmart")
    parameters = store.queue._policy | {"limit": 1, "holder": "first", "trace_id": None, "trace_seed": ""}
    async with store.database.transaction() as connection:
        await run(connection, claims.CLAIM, parameters)
        second = asyncio.create_task(store.runner("second").claim(1))
        if guarded:
            assert [job.id for job in (await asyncio.wait_for(second, 10)).claimed] == [other.id]
        else:
            await wait_until_async(store.waiting, 10, "it waits for a job that is not its own")
    await second


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_wake_up_during_a_claim_is_not_lost(store: Store, guarded: bool) -> None:
    class Late:
        """A queue whose first claim returns no job while a new job wakes the dispatcher."""

        def __init__(self) -> None:
            self.queued: WarmupJob | None = None

        async def claim(self, limit: int, *, trace_id: str | None = None) -> Claims:
            if self.queued is None:
                self.queued = await store.queued()
                dispatcher.wake()
                return Claims((), (), None)
            return await store.queue.claim(limit)

        async def promote(self) -> int:
            return 0

        async def claim_one(
            self, job_id: int, *, trace_id: str | None = None, record: Record | None = None
        ) -> ClaimedJob | None:
            return await store.queue.claim_one(job_id, trace_id=trace_id, record=record)

        async def job(self, job_id: int) -> WarmupJob | None:
            return await store.queue.job(job_id)

    class ClearsAfterTheFetch(Dispatcher):
        async def dispatch(self) -> None:
            while not self._draining:
                await self._fill()
                self.passes += 1
                self._woken.clear()
                await self._woken.wait()

    queue = Late()
    forecaster = FakeForecaster(succeed)
    runner = Runner(store.queue, forecaster, POLICY)
    kind = Dispatcher if guarded else ClearsAfterTheFetch
    dispatcher = kind(queue, runner, forecaster, poll=3600)
    task = asyncio.create_task(dispatcher.dispatch())
    await wait_until_async(holds(lambda: dispatcher.passes >= 1 and not dispatcher._woken.is_set()), 10, "it sleeps")
    if guarded:
        await wait_until_async(holds(lambda: bool(forecaster.ran)), 10, "the job was run")
    else:
        assert queue.queued is not None
        assert (await store.row(queue.queued)).status is JobStatus.QUEUED
        assert dispatcher.passes == 1
    await dispatcher.drain(5)
    await asyncio.wait_for(task, 5)


@pytest.mark.parametrize("guarded", [True, False])
async def test_the_limit_of_attempts_fails_a_poison_job(store: Store, guarded: bool) -> None:
    await store.queued()
    queue = store.runner("first", max_attempts=3 if guarded else 1_000_000, backoff_base=0)
    for _ in range(10):
        claims = await queue.claim(1)
        if not claims.claimed:
            break
        await queue.fail(claims.claimed[0], Failure("test", "poison"), permanent=False)
    (row,) = await store.execute("SELECT status, attempts FROM warmup_jobs")
    assert row == ({"status": "failed", "attempts": 3} if guarded else {"status": "queued", "attempts": 10})


async def test_a_failed_rescue_does_not_fail_the_claim(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = await store.claimed("stuck")
    await store.execute("UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s'")
    waiting = await store.queued("waiting")
    fetch = store.database.fetch

    async def away_for_rescue(statement: str, *rest: Any, **named: Any) -> Any:  # the signature of Database.fetch
        if statement == rescue.RESCUE:
            raise WarmcastError(errors.UNAVAILABLE, "away")
        return await fetch(statement, *rest, **named)

    monkeypatch.setattr(store.database, "fetch", away_for_rescue)
    claims = await store.queue.claim(1)
    assert ([job.id for job in claims.claimed], claims.rescued) == ([waiting.id], ())
    monkeypatch.undo()
    assert [swept.job.id for swept in (await store.queue.claim(0)).rescued] == [stuck.id]
