"""Pages of jobs: filters, and the start of a page."""

from __future__ import annotations

from datetime import timedelta

from services.common.job_status import JobStatus
from services.jobs.domain.queue import JobFilter
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
