"""One test an edge of the state machine, each against real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.common.job_status import JobStatus
from services.jobs.domain.forecaster import GeneratedForecasts
from services.jobs.domain.job import Cause, EnqueueReason
from services.jobs.postgres.driver.connection import run
from services.jobs.postgres.sql import edges
from tests.integration.jobs.conftest import Store, forecasts, key_of
from tests.waiting import wait_until_async

FIRST_CALL = EnqueueReason.FIRST_CALL
EXPIRE = "UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s' WHERE id = %(id)s"


async def test_enqueue_makes_one_row_however_many_call(store: Store) -> None:
    snapshot = await store.comparison()
    calls = [
        store.queue.enqueue(key_of(snapshot), snapshot.data_hash, seen_version=0, reason=FIRST_CALL) for _ in range(200)
    ]
    changed = [job for job in await asyncio.gather(*calls) if job is not None]
    assert len(changed) == 1
    assert changed[0].status is JobStatus.QUEUED
    rows = await store.execute("SELECT count(*) AS rows, max(version) AS version FROM warmup_jobs")
    assert rows == [{"rows": 1, "version": 1}]


async def test_enqueue_of_a_snapshot_that_is_no_longer_current_makes_no_row(store: Store) -> None:
    old = await store.comparison(values=(1, 2, 3))
    await store.comparison(values=(1, 2, 3, 4))
    assert await store.queue.enqueue(key_of(old), old.data_hash, seen_version=0, reason=FIRST_CALL) is None
    assert await store.execute("SELECT id FROM warmup_jobs") == []


async def test_enqueue_delayed_until_after_ready_starts_nothing(store: Store) -> None:
    job = await store.claimed()
    ready = await store.ready(job)
    assert ready is not None
    for seen in range(ready.version):
        late = await store.queue.enqueue(job.key, job.data_hash, seen_version=seen, reason=EnqueueReason.CACHE_LOST)
        assert late is None
    assert await store.row(job) == ready


async def test_claim_takes_the_oldest_first_under_growing_leases(store: Store) -> None:
    first, second = await store.queued("amazon"), await store.queued("walmart")
    await store.execute(
        "UPDATE warmup_jobs SET queued_at = queued_at - interval '1 min' WHERE id = %(id)s", id=second.id
    )
    claims = await store.queue.claim(5)
    assert [job.id for job in claims.claimed] == [second.id, first.id]
    assert claims.claimed[0].lease_id != claims.claimed[1].lease_id
    rows = [await store.row(job) for job in claims.claimed]
    assert all(row.status is JobStatus.RUNNING and row.attempts == 1 for row in rows)


async def test_claim_by_many_at_once_gives_each_job_to_one(store: Store) -> None:
    ids = {(await store.queued(f"term {number}")).id for number in range(20)}
    claims = await asyncio.gather(*(store.runner(str(n)).claim(3) for n in range(20)))
    taken = [job.id for each in claims for job in each.claimed]
    assert len(taken) == len(set(taken))
    assert set(taken) == ids


async def test_claim_passes_over_a_job_before_its_time(store: Store) -> None:
    job = await store.claimed()
    await store.queue.hand_back(job, delay=60)
    assert (await store.queue.claim(1)).claimed == ()
    due = (await store.queue.claim(0)).seconds_until_due
    assert due is not None
    assert 50 < due <= 60


async def test_heartbeat_renews_only_its_own_lease_and_never_past_the_deadline(store: Store) -> None:
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


async def test_ready_keeps_what_was_forecast(store: Store) -> None:
    job = await store.claimed()
    ready = await store.ready(job)
    assert ready is not None
    assert (ready.status, ready.last_error, ready.engine_version) == (JobStatus.READY, None, "test")
    assert ready.completed_at is not None
    rows = await store.execute("SELECT label, term, point_values, lower95 FROM forecast_records ORDER BY label")
    assert rows == [
        {"label": "termA", "term": "amazon", "point_values": [5.0], "lower95": [3.0]},
        {"label": "termB", "term": "costco", "point_values": [5.0], "lower95": [3.0]},
    ]


async def test_a_lost_lease_changes_nothing(store: Store) -> None:
    zombie = await store.claimed()
    await store.execute(EXPIRE, id=zombie.id)
    assert [swept.cause for swept in (await store.queue.claim(1)).rescued] == [Cause.LEASE_EXPIRED]
    holder = await store.claim_one()
    assert holder.id == zombie.id
    assert holder.lease_id > zombie.lease_id
    held = await store.row(holder)
    assert await store.ready(zombie) is None
    assert await store.queue.fail(zombie, error="late", permanent=True) is None
    assert await store.queue.hand_back(zombie, delay=0) is None
    assert not await store.queue.heartbeat(zombie)
    assert await store.row(holder) == held
    assert await store.execute("SELECT id FROM forecast_records") == []


async def test_a_transient_failure_goes_back_with_its_error_and_a_back_off(store: Store) -> None:
    before = await store.queued()
    queued = await store.queue.fail(await store.claim_one(), error="no answer", permanent=False)
    assert queued is not None
    assert (queued.status, queued.attempts, queued.last_error) == (JobStatus.QUEUED, 1, "no answer")
    assert queued.not_before is not None
    assert queued.queued_at == before.queued_at


async def test_out_of_attempts_is_failed_with_a_cool_down_that_doubles_until_ready(store: Store) -> None:
    async def fail_once() -> float:
        job = await store.claim_one()
        await store.execute("UPDATE warmup_jobs SET attempts = 3")
        failed = await store.queue.fail(job, error="no answer", permanent=False)
        assert failed is not None
        assert failed.status is JobStatus.FAILED
        assert failed.cooldown_until is not None
        return (failed.cooldown_until - failed.updated_at).total_seconds()

    job = await store.queued()
    assert await fail_once() == 300
    await store.queue.requeue(job.id)
    assert await fail_once() == 600
    await store.queue.requeue(job.id)
    assert await store.ready(await store.claim_one())
    await store.queue.requeue(job.id)
    assert await fail_once() == 300


async def test_a_permanent_failure_is_failed_at_once_for_a_day(store: Store) -> None:
    failed = await store.queue.fail(await store.claimed(), error="bad series", permanent=True)
    assert failed is not None
    assert (failed.status, failed.attempts) == (JobStatus.FAILED, 1)
    assert failed.cooldown_until is not None
    assert (failed.cooldown_until - failed.updated_at).total_seconds() == 86_400


async def test_the_first_call_after_the_cool_down_begins_an_episode_and_none_before(store: Store) -> None:
    failed = await store.queue.fail(await store.claimed(), error="bad series", permanent=True)
    assert failed is not None
    again = {"seen_version": failed.version, "reason": FIRST_CALL}
    assert await store.queue.enqueue(failed.key, failed.data_hash, **again) is None  # type: ignore[arg-type]
    await store.execute("UPDATE warmup_jobs SET cooldown_until = now() - interval '1 s'")
    queued = await store.queue.enqueue(failed.key, failed.data_hash, **again)  # type: ignore[arg-type]
    assert queued is not None
    assert (queued.status, queued.attempts, queued.last_error) == (JobStatus.QUEUED, 0, None)
    assert queued.queued_at > failed.queued_at
    assert queued.created_at == failed.created_at
    assert queued.debug_id != failed.debug_id


async def test_hand_back_does_not_count_the_attempt(store: Store) -> None:
    before = await store.queued()
    queued = await store.queue.hand_back(await store.claim_one(), delay=0)
    assert queued is not None
    assert (queued.status, queued.attempts, queued.queued_at) == (JobStatus.QUEUED, 0, before.queued_at)


async def test_lease_expired_goes_back_until_attempts_run_out(store: Store) -> None:
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


async def test_deadline_passed_has_its_own_error(store: Store) -> None:
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


async def test_cache_lost_takes_a_ready_job_back_by_compare_and_set(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    calls = [
        store.queue.enqueue(ready.key, ready.data_hash, seen_version=ready.version, reason=EnqueueReason.CACHE_LOST)
        for _ in range(50)
    ]
    changed = [job for job in await asyncio.gather(*calls) if job is not None]
    assert len(changed) == 1
    assert (changed[0].status, changed[0].reason) == (JobStatus.QUEUED, "cache-lost")
    assert changed[0].adopt_above_lease >= ready.lease_id


async def test_a_caller_s_loss_within_a_minute_of_ready_waits_until_that_minute_is_over(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    for reason in (EnqueueReason.CACHE_LOST, EnqueueReason.REFRESH):
        assert ready is not None
        assert ready.completed_at is not None
        begun = await store.queue.enqueue_and_place(
            ready.key, ready.data_hash, seen_version=ready.version, reason=reason
        )
        assert begun is not None
        job, place = begun
        assert (job.status, job.not_before) == (JobStatus.QUEUED, ready.completed_at + timedelta(minutes=1))
        assert place is not None
        assert 0 < place.wait_seconds <= 60
        assert (await store.queue.claim(1)).claimed == ()
        await store.execute("UPDATE warmup_jobs SET not_before = now()")
        ready = await store.ready(await store.claim_one())


async def test_a_caller_s_loss_later_than_a_minute_after_ready_waits_for_nothing(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    await store.execute("UPDATE warmup_jobs SET completed_at = now() - interval '61 s'")
    begun = await store.queue.enqueue_and_place(
        ready.key, ready.data_hash, seen_version=ready.version, reason=EnqueueReason.CACHE_LOST
    )
    assert begun is not None
    assert begun[0].not_before is None
    assert (await store.claim_one()).id == ready.id


async def test_a_first_call_does_not_take_a_ready_job_back(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    again = await store.queue.enqueue(ready.key, ready.data_hash, seen_version=ready.version, reason=FIRST_CALL)
    assert again is None


async def test_refresh_waits_behind_those_that_someone_waits_for(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    await store.queue.enqueue(ready.key, ready.data_hash, seen_version=ready.version, reason=EnqueueReason.REFRESH)
    waiting = await store.queued("walmart")
    assert [job.id for job in (await store.queue.claim(2)).claimed] == [waiting.id, ready.id]


async def test_trigger_heeds_no_cool_down_and_leaves_a_running_job_alone_unless_forced(store: Store) -> None:
    failed = await store.queue.fail(await store.claimed(), error="bad", permanent=True)
    assert failed is not None
    queued = await store.queue.trigger(failed.key, force=False)
    assert queued is not None
    assert (queued.status, queued.reason) == (JobStatus.QUEUED, "by-hand")
    running = await store.claim_one()
    assert await store.queue.trigger(failed.key, force=False) is None
    forced = await store.queue.trigger(failed.key, force=True)
    assert forced is not None
    assert (forced.status, forced.force) == (JobStatus.QUEUED, True)
    assert await store.ready(running) is None


async def test_trigger_of_a_queued_job_keeps_its_place(store: Store) -> None:
    job = await store.queued()
    hastened = await store.queue.trigger(job.key, force=False)
    assert hastened is not None
    assert hastened.queued_at == job.queued_at


async def test_requeue_begins_an_episode_by_hand_but_not_while_it_runs(store: Store) -> None:
    job = await store.claimed()
    assert await store.queue.requeue(job.id) == []
    assert await store.ready(job)
    (again,) = await store.queue.requeue(job.id)
    assert (again.status, again.attempts, again.lease_id) == (JobStatus.QUEUED, 0, job.lease_id)
    assert again.adopt_above_lease >= job.lease_id


async def test_cancel_ends_a_queued_or_running_job_and_no_other(store: Store) -> None:
    job = await store.claimed()
    cancelled = await store.queue.cancel(job.id)
    assert cancelled is not None
    assert cancelled.status is JobStatus.CANCELLED
    assert not await store.queue.heartbeat(job)
    assert await store.queue.cancel(job.id) is None
    revived = await store.queue.enqueue(job.key, job.data_hash, seen_version=cancelled.version, reason=FIRST_CALL)
    assert revived is not None


async def test_newer_data_supersede_the_jobs_of_older_ones_and_a_running_one_is_told(store: Store) -> None:
    running = await store.claimed("amazon")
    queued = await store.queued("walmart")
    settled = await store.ready(await store.claim_one())
    queued = await store.queued("target")
    for term in ("amazon", "walmart", "target"):
        await store.comparison(term, values=(9, 8, 7))
    for job in (running, queued):
        old = await store.row(job)
        assert (old.status, old.last_error) == (JobStatus.CANCELLED, "superseded by newer data")
    assert settled
    assert (await store.row(settled)).status is JobStatus.READY
    assert not await store.queue.heartbeat(running)
    assert await store.ready(running) is None


async def test_lease_ids_move_past_a_fence_from_before_a_restore_and_never_back(store: Store) -> None:
    job = await store.claimed()
    assert await store.queue.advance_lease_sequence(job.lease_id + 1000)
    assert not await store.queue.advance_lease_sequence(job.lease_id)
    await store.queue.hand_back(job, delay=0)
    assert (await store.claim_one()).lease_id > job.lease_id + 1000


async def test_lease_ids_that_two_runs_raise_at_once_end_above_both(store: Store) -> None:
    """Looking and then setting, the lower one would move the sequence back."""
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


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
async def test_a_valid_lease_settles_its_job_in_one_batch_with_stale_ones(store: Store, order: tuple[int, ...]) -> None:
    """The stale leases settle nothing, and only the forecasts of the valid one are recorded."""
    leases = [await store.claimed()]
    for _ in range(2):
        await store.execute(EXPIRE, id=leases[0].id)
        await store.queue.sweep()
        leases.append(await store.claim_one())
    other = await store.claimed("walmart")

    def made(lease: int) -> GeneratedForecasts:
        each = forecasts(engine_version=f"engine-{lease}")
        return replace(each, term_a=replace(each.term_a, forecast_hash=f"hash-{lease}"))

    batch = [store.queue.ready(leases[lease], made(lease)) for lease in order]
    *settled, other_settled = await asyncio.gather(*batch, store.queue.ready(other, forecasts()))
    assert settled == [lease == 2 for lease in order]
    assert other_settled
    row = await store.row(leases[0])
    assert (row.status, row.engine_version, row.lease_id) == (JobStatus.READY, "engine-2", leases[2].lease_id)
    records = await store.execute(
        "SELECT forecast_hash FROM forecast_records WHERE job_id = %(id)s AND label = 'termA'", id=row.id
    )
    assert records == [{"forecast_hash": "hash-2"}]


async def test_every_transition_raises_the_version(store: Store) -> None:
    seen = [(await store.queued()).version]
    job = await store.claim_one()
    seen.append((await store.row(job)).version)
    queued = await store.queue.hand_back(job, delay=0)
    assert queued is not None
    seen.append(queued.version)
    job = await store.claim_one()
    seen.append((await store.row(job)).version)
    ready = await store.ready(job)
    assert ready is not None
    seen.append(ready.version)
    assert seen == [1, 2, 3, 4, 5]
