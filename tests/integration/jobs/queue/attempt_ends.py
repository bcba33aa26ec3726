"""How an attempt may end, and the history that it leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.jobs.domain.job import Lease
from services.jobs.domain.reports.history import Attempt, Failure
from services.jobs.postgres.attempts import Attempts
from tests.integration.jobs.conftest import Store, forecasts

EXPIRE = "UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s'"
PASS_DEADLINE = "UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s', deadline_at = now() - interval '1 s'"
NO_ANSWER = Failure("unavailable", "unavailable: no answer")
Ends = Callable[[Store, Lease], Awaitable[object]]


async def history(store: Store, job: Lease) -> list[Attempt]:
    """All attempts of a job, newest first."""
    return await Attempts(store.database).of_job(job.id, limit=200)


async def only(store: Store, job: Lease) -> Attempt:
    """The job's only attempt."""
    [attempt] = await history(store, job)
    return attempt


async def ready(store: Store, job: Lease) -> object:
    return await store.queue.ready(job, forecasts())


async def fail(store: Store, job: Lease) -> object:
    return await store.queue.fail(job, NO_ANSWER, permanent=False)


async def fail_for_good(store: Store, job: Lease) -> object:
    return await store.queue.fail(job, NO_ANSWER, permanent=True)


async def hand_back(store: Store, job: Lease) -> object:
    return await store.queue.hand_back(job, Failure("busy", "busy: no slot"), delay=0)


async def drain(store: Store, job: Lease) -> object:
    return await store.queue.hand_back(job, delay=0)


async def expire(store: Store, job: Lease) -> object:
    await store.execute(EXPIRE)
    return await store.queue.claim(0)


async def expire_before_a_sweep(store: Store, job: Lease) -> object:
    await store.execute(EXPIRE)
    return await store.queue.sweep()


async def expire_before_a_sweep_of_one(store: Store, job: Lease) -> object:
    await store.execute(EXPIRE)
    return await store.queue.sweep(job.id)


async def pass_the_deadline(store: Store, job: Lease) -> object:
    await store.execute(PASS_DEADLINE)
    return await store.queue.sweep()


async def cancel(store: Store, job: Lease) -> object:
    return await store.queue.cancel(job.id)


async def import_newer_data(store: Store, job: Lease) -> object:
    return await store.comparison(values=(9, 8, 7))


async def trigger(store: Store, job: Lease) -> object:
    row = await store.row(job)
    return await store.queue.trigger(row.key, force=True)
