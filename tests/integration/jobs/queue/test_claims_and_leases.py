"""Claims, leases and their ids on real PostgreSQL."""

from __future__ import annotations

import asyncio

from services.common.job_status import JobStatus
from services.jobs.domain.job import Cause
from services.jobs.domain.reports.history import Failure
from services.jobs.postgres.driver.connection import run
from services.jobs.postgres.sql import edges
from tests.integration.jobs.conftest import Store
from tests.waiting import wait_until_async

EXPIRE = "UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s' WHERE id = %(id)s"


async def test_claim_takes_the_oldest_jobs_first_with_distinct_leases(store: Store) -> None:
    first, second = await store.queued("amazon"), await store.queued("walmart")
    await store.execute(
        "UPDATE warmup_jobs SET queued_at = queued_at - interval '1 min' WHERE id = %(id)s", id=second.id
    )
    claims = await store.queue.claim(5)
    assert [job.id for job in claims.claimed] == [second.id, first.id]
    assert claims.claimed[0].lease_id != claims.claimed[1].lease_id
    rows = [await store.row(job) for job in claims.claimed]
    assert all(row.status is JobStatus.RUNNING and row.attempts == 1 for row in rows)


async def test_concurrent_claims_get_each_job_once(store: Store) -> None:
    ids = {(await store.queued(f"term {number}")).id for number in range(20)}
    claims = await asyncio.gather(*(store.runner(str(n)).claim(3) for n in range(20)))
    claimed_ids = [job.id for each in claims for job in each.claimed]
    assert len(claimed_ids) == len(set(claimed_ids))
    assert set(claimed_ids) == ids


async def test_claim_skips_a_job_before_its_not_before_time(store: Store) -> None:
    job = await store.claimed()
    await store.queue.hand_back(job, delay=60)
    assert (await store.queue.claim(1)).claimed == ()
    due = (await store.queue.claim(0)).seconds_until_due
    assert due is not None
    assert 50 < due <= 60


async def test_a_heartbeat_renews_only_its_own_lease_up_to_the_deadline(store: Store) -> None:
    job = await store.claimed()
    await store.execute("UPDATE warmup_jobs SET lease_expires_at = now() + interval '1 s' WHERE id = %(id)s", id=job.id)
    assert await store.queue.heartbeat(job)
    left = "SELECT EXTRACT(epoch FROM lease_expires_at - now())::float8 AS left FROM warmup_jobs"
    assert 14 < float(str((await store.execute(left))[0]["left"])) <= 15
    await store.execute("UPDATE warmup_jobs SET deadline_at = now() + interval '2 s'")
    assert await store.queue.heartbeat(job)
    assert float(str((await store.execute(left))[0]["left"])) <= 2
    await store.execute("UPDATE warmup_jobs SET lease_id = lease_id + 1")
    assert not await store.queue.heartbeat(job)


async def test_a_lost_lease_changes_nothing(store: Store) -> None:
    zombie = await store.claimed()
    await store.execute(EXPIRE, id=zombie.id)
    assert [swept.cause for swept in (await store.queue.claim(1)).rescued] == [Cause.LEASE_EXPIRED]
    holder = await store.claim_one()
    assert holder.id == zombie.id
    assert holder.lease_id > zombie.lease_id
    held = await store.row(holder)
    assert await store.ready(zombie) is None
    assert await store.queue.fail(zombie, Failure("test", "late"), permanent=True) is None
    assert await store.queue.hand_back(zombie, delay=0) is None
    assert not await store.queue.heartbeat(zombie)
    assert await store.row(holder) == held
    assert await store.execute("SELECT id FROM forecast_records") == []


async def test_hand_back_does_not_count_the_attempt(store: Store) -> None:
    before = await store.queued()
    queued = await store.queue.hand_back(await store.claim_one(), delay=0)
    assert queued is not None
    assert (queued.status, queued.attempts, queued.queued_at) == (JobStatus.QUEUED, 0, before.queued_at)


async def test_an_expired_lease_queues_the_job_until_attempts_run_out(store: Store) -> None:
    await store.queued()
    for attempt in (1, 2, 3):
        job = await store.claim_one()
        assert job.attempts == attempt
        await store.execute(EXPIRE, id=job.id)
        rescued = (await store.queue.claim(0)).rescued
        assert [swept.cause for swept in rescued] == [Cause.LEASE_EXPIRED]
    assert rescued[0].job.status is JobStatus.FAILED
    assert rescued[0].job.last_error is not None
    assert "lease expired" in rescued[0].job.last_error
    assert rescued[0].job.cooldown_until is not None


async def test_a_sweep_reports_a_passed_deadline_with_its_own_error(store: Store) -> None:
    job = await store.claimed()
    await store.execute("UPDATE warmup_jobs SET deadline_at = now(), lease_expires_at = now()")
    (swept,) = await store.queue.sweep()
    assert swept.cause is Cause.DEADLINE_PASSED
    assert swept.job.last_error == "the attempt passed its deadline"
    assert swept.job.id == job.id


async def test_a_running_row_without_a_lease_is_rescued_too(store: Store) -> None:
    await store.queued()
    await store.execute("UPDATE warmup_jobs SET status = 'running'")
    (swept,) = (await store.queue.claim(1)).rescued
    assert swept.job.status is JobStatus.QUEUED


async def test_sweep_reports_a_job_queued_for_over_five_minutes_and_keeps_its_place(store: Store) -> None:
    job = await store.queued()
    assert await store.queue.sweep() == ()
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '301 s'")
    (swept,) = await store.queue.sweep()
    assert (swept.cause, swept.job.id, swept.job.status) == (Cause.QUEUED_OVERDUE, job.id, JobStatus.QUEUED)
    place = await store.execute("SELECT now() - queued_at > interval '300 s' AS kept, requeues FROM warmup_jobs")
    assert place == [{"kept": True, "requeues": 1}]


async def test_sweep_counts_from_the_later_of_queued_at_and_not_before(store: Store) -> None:
    await store.queued()
    await store.execute(
        "UPDATE warmup_jobs SET queued_at = now() - interval '1 h', not_before = now() - interval '1 min'"
    )
    assert await store.queue.sweep() == ()


async def test_the_lease_sequence_advances_past_a_fence_and_never_goes_back(store: Store) -> None:
    job = await store.claimed()
    assert await store.queue.advance_lease_sequence(job.lease_id + 1000)
    assert not await store.queue.advance_lease_sequence(job.lease_id)
    await store.queue.hand_back(job, delay=0)
    assert (await store.claim_one()).lease_id > job.lease_id + 1000


async def test_concurrent_advances_of_the_lease_sequence_end_above_both(store: Store) -> None:
    """Without the lock, the lower of the two would move the sequence back."""
    job = await store.claimed()
    async with store.database.transaction() as connection:
        await run(connection, edges.LOCK_LEASE_SEQUENCE)
        raising = [asyncio.create_task(store.queue.advance_lease_sequence(job.lease_id + n)) for n in (200, 100)]

        async def both_wait() -> bool:
            return await store.waiting() == 2

        await wait_until_async(both_wait, 10, "both wait their turn")
    await asyncio.gather(*raising)
    await store.queue.hand_back(job, delay=0)
    assert (await store.claim_one()).lease_id > job.lease_id + 200
