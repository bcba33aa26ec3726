"""Pages of jobs: filters, and the start of a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.common.job_status import JobStatus
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.reports.history import Failure
from tests.integration.jobs.conftest import Store


async def test_jobs_of_one_slug_are_listed_newest_first_and_filtered(store: Store) -> None:
    older = await store.queued()
    await store.queue.cancel(older.id)
    other = await store.queued("walmart")
    newer = await store.comparison(values=(5, 6, 7, 8))
    await store.execute(
        "INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, debug_id, reason) "
        "VALUES (%(slug)s, '12m', '', %(data_hash)s, 'made up', 'first-call')",
        slug=newer.slug,
        data_hash=newer.data_hash,
    )
    of_one = await store.listings.jobs(JobFilter(slug=older.slug), limit=5)
    assert [job.data_hash for job in of_one] == [newer.data_hash, older.data_hash]
    assert other.id not in {job.id for job in of_one}
    after = of_one[0].created_at, of_one[0].id
    assert [job.id for job in await store.listings.jobs(JobFilter(slug=older.slug), limit=5, before=after)] == [
        older.id
    ]
    cancelled = JobFilter(slug=older.slug, status=JobStatus.CANCELLED, newer_than=timedelta(hours=1))
    assert [job.id for job in await store.listings.jobs(cancelled, limit=5)] == [older.id]


async def test_a_page_may_start_after_any_id(store: Store) -> None:
    job = await store.queued()
    before = job.created_at + timedelta(days=1), 2**62
    assert [row.id for row in await store.listings.jobs(JobFilter(), limit=5, before=before)] == [job.id]
    assert await store.listings.audit_page(limit=5, after_id=2**62) == []


async def matching(store: Store, **fields: Any) -> list[str]:
    """The slugs of the jobs that a filter matches, newest first."""
    page = await store.listings.page(JobFilter(**fields), limit=9)
    assert page.after is None
    return [job.slug for job in page.jobs]


async def test_filters_of_jobs(store: Store) -> None:
    amazon, walmart, target = "amazon-vs-costco", "costco-vs-walmart", "costco-vs-target"
    await store.queue.fail(await store.claimed("amazon"), Failure("unwarmable", "unwarmable: flat"), permanent=True)
    fails = await store.claimed("walmart")
    assert await store.ready(await store.claimed("target"))
    await store.queue.fail(fails, Failure("busy", "busy: no slot"), permanent=False)
    assert await matching(store) == [target, walmart, amazon]
    assert await matching(store, timeframe="12m") == [target, walmart, amazon]
    assert await matching(store, timeframe="5y") == []
    assert await matching(store, geo="") == [target, walmart, amazon]
    assert await matching(store, geo="US") == []
    assert await matching(store, reason="first-call") == [target, walmart, amazon]
    assert await matching(store, reason="refresh") == []
    assert await matching(store, error_reason="busy") == [walmart]
    assert await matching(store, error_reason="busy", status=JobStatus.FAILED) == []
    assert await matching(store, error_reason="unwarmable", status=JobStatus.FAILED, geo="") == [amazon]
    assert await matching(store, engine_version="test") == [target]
    assert await matching(store, engine_version="test", status=JobStatus.READY, slug=target) == [target]
    assert await matching(store, slug=target, geo="US") == []


async def test_an_error_reason_that_an_older_release_left_does_not_match(store: Store) -> None:
    await store.queue.fail(await store.claimed("amazon"), Failure("busy", "busy: no slot"), permanent=True)
    await store.execute("UPDATE warmup_jobs SET status = 'ready', last_error = NULL")
    assert await matching(store, error_reason="busy") == []


async def test_a_page_examines_a_limited_number_of_jobs_and_the_next_one_continues(store: Store) -> None:
    jobs = []
    # Pages end at the second milestone, a job with an id of a multiple of 2,500.
    for lowest in (2499, 4999, 7499, 9999):
        await store.execute("SELECT setval('warmup_jobs_id_seq', %(last)s)", last=lowest - 1)
        jobs += [await store.queued(f"term{lowest + number}") for number in range(3)]
    for job in (jobs[1], jobs[11]):
        await store.execute("UPDATE warmup_jobs SET reason = 'refresh' WHERE id = %(id)s", id=job.id)
    assert [job.id for job in (jobs[1], jobs[11])] == [2500, 10001]

    wanted = JobFilter(reason="refresh")
    first = await store.listings.page(wanted, limit=2)
    assert [job.id for job in first.jobs] == [10001]
    assert first.after == (jobs[7].created_at, 7500)
    second = await store.listings.page(wanted, limit=2, before=first.after)
    assert [job.id for job in second.jobs] == [2500]
    assert second.after == (jobs[1].created_at, 2500)
    last = await store.listings.page(wanted, limit=2, before=second.after)
    assert (last.jobs, last.after) == ([], None)

    full = await store.listings.page(JobFilter(reason="first-call"), limit=2)
    assert [job.id for job in full.jobs] == [10000, 9999]
    assert full.after == (jobs[9].created_at, 9999)
    none_as_young = await store.listings.page(JobFilter(reason="refresh", older_than=timedelta(days=1)), limit=2)
    assert (none_as_young.jobs, none_as_young.after) == ([], None)


async def test_ready_jobs_are_among_the_examined_ones_and_others_are_found_by_their_status(store: Store) -> None:
    for number in (2500, 5000, 7500):
        await store.execute("SELECT setval('warmup_jobs_id_seq', %(last)s)", last=number - 1)
        await store.queued(f"term{number}")
    assert (await store.listings.page(JobFilter(status=JobStatus.READY), limit=2)).after is not None
    assert (await store.listings.page(JobFilter(status=JobStatus.FAILED), limit=2)).after is None
