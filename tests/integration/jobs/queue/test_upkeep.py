"""Refresh, promotion, demand and retention, against real PostgreSQL."""

from __future__ import annotations

import asyncio
import random

from services.common.comparison import ComparisonKey
from services.common.job_status import JobStatus
from services.jobs.domain.job import EnqueueReason
from services.jobs.domain.queue import JobFilter
from tests.integration.jobs.conftest import Store, key_of

FIRST_CALL = EnqueueReason.FIRST_CALL


async def test_refresh_enqueues_forecasts_that_turn_stale_by_demand_up_to_its_limit(store: Store) -> None:
    terms = ("amazon", "target", "walmart")
    for term in terms:
        await store.ready(await store.claimed(term))
    jobs = {job.slug: job for job in await store.listings.jobs(JobFilter(), limit=9)}
    popularity = dict(zip(sorted(jobs), (5, 50, 1), strict=True))
    for slug, count in popularity.items():
        await store.comparisons.report_demand({jobs[slug].key: count})
    assert await store.queue.refresh(10) == [], "none is old enough"
    await store.execute("UPDATE warmup_jobs SET completed_at = now() - interval '23 h'")
    (first,) = await store.queue.refresh(1)
    assert popularity[first.slug] == 50
    assert (first.status, first.reason, first.priority) == (JobStatus.QUEUED, "refresh", 10)
    assert await store.queue.refresh(1) == [], "one refresh waits already"
    (second,) = await store.queue.refresh(2)
    assert popularity[second.slug] == 5
    await store.execute("UPDATE comparisons SET last_requested_at = now() - interval '8 days'")
    assert await store.queue.refresh(10) == [], "it has no demand any more"


async def test_refreshes_do_not_become_due_at_the_same_time(store: Store) -> None:
    for number in range(40):
        await store.ready(await store.claimed(f"term {number}"))
    await store.execute("UPDATE comparisons SET last_requested_at = now()")
    due = []
    for hours in (17, 19, 21, 23):
        await store.execute(
            f"UPDATE warmup_jobs SET completed_at = now() - interval '{hours} h' WHERE status = 'ready'"
        )
        due.append(len(await store.queue.refresh(1000)))
    assert due[0] == 0
    assert sum(due) == 40
    assert max(due) < 30


async def test_demand_halves_with_time(store: Store) -> None:
    snapshot = await store.comparison()
    await store.comparisons.report_demand({key_of(snapshot): 8})
    await store.execute("UPDATE comparisons SET last_requested_at = last_requested_at - interval '84 h'")
    await store.comparisons.report_demand({key_of(snapshot): 1})
    ((demand,),) = [
        tuple(row.values()) for row in await store.execute("SELECT round(demand::numeric, 2)::float8 FROM comparisons")
    ]
    assert demand == 5


async def test_demand_has_an_upper_bound(store: Store) -> None:
    snapshot = await store.comparison()
    for _ in range(2):
        await store.comparisons.report_demand({key_of(snapshot): 2**62})
    assert await store.execute("SELECT demand FROM comparisons") == [{"demand": 1e9}]


async def test_demand_reports_of_the_same_comparisons_do_not_deadlock(store: Store) -> None:
    await store.comparison()
    await store.execute("INSERT INTO term_pairs SELECT 'a-vs-' || n, 'a', n::text FROM generate_series(1, 500) AS n")
    await store.execute(
        "INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id) "
        "SELECT pair.slug, '12m', '', snapshots.id FROM term_pairs AS pair, snapshots WHERE pair.term_a = 'a'"
    )
    keys = [ComparisonKey(f"a-vs-{number}", "12m", "") for number in range(1, 501)]
    shuffled = random.Random(1)

    async def report() -> None:
        await store.comparisons.report_demand(dict.fromkeys(shuffled.sample(keys, len(keys)), 1))

    for _ in range(15):
        await asyncio.gather(*(report() for _ in range(4)))
    demand = "SELECT DISTINCT round(demand) AS demand FROM comparisons WHERE slug LIKE 'a-vs-%%'"
    assert await store.execute(demand) == [{"demand": 60}]


async def test_a_refresh_that_waited_long_enough_is_promoted(store: Store) -> None:
    ready = await store.ready(await store.claimed())
    assert ready is not None
    await store.queue.enqueue(ready.key, ready.data_hash, seen_version=ready.version, reason=EnqueueReason.REFRESH)
    assert await store.queue.promote() == 0
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '11 min'")
    assert await store.queue.promote() == 1
    waiting = await store.queued("walmart")
    assert [job.id for job in (await store.queue.claim(2)).claimed] == [ready.id, waiting.id]


async def test_old_jobs_are_deleted_in_batches_except_those_of_current_or_previous_data(store: Store) -> None:
    for generation in range(5):
        snapshot = await store.comparison(values=(1, 2, 3, generation))
        await store.queue.enqueue(key_of(snapshot), snapshot.data_hash, seen_version=0, reason=FIRST_CALL)
        assert await store.ready(await store.claim_one())
    assert await store.queue.delete_old(days=30, limit=10) == 0
    await store.execute("UPDATE warmup_jobs SET updated_at = now() - interval '31 days'")
    await store.execute("UPDATE snapshots SET created_at = now() - interval '31 days'")
    assert [await store.queue.delete_old(days=30, limit=2) for _ in range(3)] == [4, 2, 0], "jobs and their snapshots"
    left = await store.listings.jobs(JobFilter(), limit=9)
    assert [job.id for job in left] == [5, 4]
    for table in ("forecast_records", "snapshots"):
        assert len(await store.execute(f"SELECT id FROM {table}")) == (4 if table == "forecast_records" else 2)


async def test_retention_continues_while_snapshots_without_a_job_are_left(store: Store) -> None:
    for generation in range(5):
        await store.comparison(values=(1, 2, 3, generation))
    await store.execute("UPDATE snapshots SET created_at = now() - interval '31 days'")
    assert [await store.queue.delete_old(days=30, limit=2) for _ in range(3)] == [2, 2, 0]
    assert len(await store.execute("SELECT id FROM snapshots")) == 1
