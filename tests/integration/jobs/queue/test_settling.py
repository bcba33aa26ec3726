"""The end of a run, a cancellation and newer data on real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.common.job_status import JobStatus
from services.jobs.domain.forecaster import GeneratedForecasts
from services.jobs.domain.job import EnqueueReason
from services.jobs.domain.reports.history import Failure
from tests.integration.jobs.conftest import Store, forecasts

FIRST_CALL = EnqueueReason.FIRST_CALL
EXPIRE = "UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s' WHERE id = %(id)s"


async def test_ready_records_the_forecasts(store: Store) -> None:
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


async def test_a_transient_failure_queues_the_job_with_its_error_and_a_back_off(store: Store) -> None:
    before = await store.queued()
    queued = await store.queue.fail(await store.claim_one(), Failure("test", "no answer"), permanent=False)
    assert queued is not None
    assert (queued.status, queued.attempts, queued.last_error) == (JobStatus.QUEUED, 1, "no answer")
    assert queued.not_before is not None
    assert queued.queued_at == before.queued_at


async def test_a_job_out_of_attempts_fails_with_a_cool_down_that_doubles_until_ready(store: Store) -> None:
    async def fail_once() -> float:
        job = await store.claim_one()
        await store.execute("UPDATE warmup_jobs SET attempts = 3")
        failed = await store.queue.fail(job, Failure("test", "no answer"), permanent=False)
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


async def test_a_permanent_failure_fails_the_job_with_a_cool_down_of_a_day(store: Store) -> None:
    failed = await store.queue.fail(await store.claimed(), Failure("test", "bad series"), permanent=True)
    assert failed is not None
    assert (failed.status, failed.attempts) == (JobStatus.FAILED, 1)
    assert failed.cooldown_until is not None
    assert (failed.cooldown_until - failed.updated_at).total_seconds() == 86_400


async def test_cancel_ends_only_queued_and_running_jobs(store: Store) -> None:
    job = await store.claimed()
    cancelled = await store.queue.cancel(job.id)
    assert cancelled is not None
    assert cancelled.status is JobStatus.CANCELLED
    assert not await store.queue.heartbeat(job)
    assert await store.queue.cancel(job.id) is None
    revived = await store.queue.enqueue(job.key, job.data_hash, seen_version=cancelled.version, reason=FIRST_CALL)
    assert revived is not None


async def test_newer_data_cancel_jobs_of_older_data_and_end_a_run_at_its_next_heartbeat(store: Store) -> None:
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


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
@pytest.mark.parametrize("versions", [("new", "new", "new"), ("old", "new", "old"), ("old", "old", "new")])
async def test_a_valid_lease_settles_its_job_in_one_batch_with_stale_ones(
    store: Store, order: tuple[int, ...], versions: tuple[str, ...]
) -> None:
    """The stale leases settle nothing, and only the forecasts of the valid one are recorded."""
    leases = [await store.claimed()]
    for _ in range(2):
        await store.execute(EXPIRE, id=leases[0].id)
        await store.queue.sweep()
        leases.append(await store.claim_one())
    other = await store.claimed("walmart")

    def result_of(lease: int) -> GeneratedForecasts:
        each = forecasts(engine_version=versions[lease])
        return replace(each, term_a=replace(each.term_a, forecast_hash=f"hash-{lease}"))

    batch = [store.queue.ready(leases[lease], result_of(lease)) for lease in order]
    *settled, other_settled = await asyncio.gather(*batch, store.queue.ready(other, forecasts()))
    assert settled == [lease == 2 for lease in order]
    assert other_settled
    row = await store.row(leases[0])
    assert (row.status, row.engine_version, row.lease_id) == (JobStatus.READY, versions[2], leases[2].lease_id)
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


async def test_the_error_reason_of_a_job_is_that_of_its_last_error(store: Store) -> None:
    no_answer = Failure("unavailable", "unavailable: no answer")
    job = await store.claimed()
    failed = await store.queue.fail(job, no_answer, permanent=False)
    assert failed
    assert (failed.error_reason, failed.last_error) == no_answer
    await store.execute("UPDATE warmup_jobs SET not_before = NULL")
    returned = await store.queue.hand_back(await store.claim_one(), delay=0)
    assert returned
    assert (returned.error_reason, returned.last_error) == no_answer, "a drain keeps it"
    await store.claim_one()
    await store.execute(EXPIRE, id=job.id)
    [swept] = await store.queue.sweep()
    assert (swept.job.error_reason, swept.job.requeues) == ("lease-expired", 1)
    done = await store.ready(await store.claim_one())
    assert done
    assert done.error_reason is None
    requeued = await store.queue.enqueue(
        done.key, done.data_hash, seen_version=done.version, reason=EnqueueReason.REFRESH
    )
    assert requeued
    assert (requeued.error_reason, requeued.requeues) == (None, 1)
