"""Every transition publishes its row, from every statement and process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import psycopg
import pytest

from services.common.job_status import JobStatus
from services.jobs.application.change_feed import ChangeBatch, ChangeFeed
from services.jobs.domain.job import EnqueueReason, JobChange
from services.jobs.domain.reports.history import Failure
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.driver.listener import Listener
from tests.integration.jobs.conftest import Store, key_of, make_snapshot

KEY = key_of(make_snapshot())
ENDED = object()
Edge = AsyncGenerator[None, None]


class Watch:
    """One subscriber of the change feed."""

    def __init__(self, received: asyncio.Queue[ChangeBatch]) -> None:
        self._received = received
        self.seen: list[JobChange] = []  # all changes received so far

    async def until(self, status: JobStatus) -> int:
        """The version with which a job reached that status; earlier changes are skipped."""
        async with asyncio.timeout(10):
            while True:
                changes = (await self._received.get()).changes
                self.seen += changes
                for change in changes:
                    if change.status is status:
                        return change.version

    async def until_seen(self, job_id: object, version: object) -> None:
        """Returns once that version of that job was received."""
        async with asyncio.timeout(10):
            while (job_id, version) not in {(change.job_id, change.version) for change in self.seen}:
                self.seen += (await self._received.get()).changes

    async def until_missed(self) -> None:
        """Returns once the subscriber received that changes may have been missed."""
        async with asyncio.timeout(10):
            missed = False
            while not missed:
                batch = await self._received.get()
                self.seen += batch.changes
                missed = batch.missed


@asynccontextmanager
async def watching(store: Store, *, publisher: bool = True) -> AsyncIterator[Watch]:
    """`publisher`: whether changes are published as they occur, or when the test flushes."""
    feed, received, listening = ChangeFeed(store.listings.changed), asyncio.Queue[ChangeBatch](), asyncio.Event()

    async def subscribe() -> None:
        async with aclosing(feed.subscribe()) as stream:
            async for batch in stream:
                received.put_nowait(batch)

    listener = Listener(store.url, on_wake_up=listening.set, on_change=feed.on_change, on_missed=feed.on_missed)
    loops = [subscribe(), listener.run(), feed.run(), *([store.publisher.run()] if publisher else [])]
    tasks = [asyncio.create_task(each) for each in loops]
    try:
        async with asyncio.timeout(10):
            await listening.wait()
        yield Watch(received)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# Each transition is a generator: it yields after its preparation, and then makes the transition.


async def enqueue(store: Store) -> Edge:
    yield
    await store.queued()


async def claim(store: Store) -> Edge:
    await store.queued()
    yield
    await store.claim_one()


async def settle(store: Store) -> Edge:
    job = await store.claimed()
    yield
    await store.ready(job)


async def trigger(store: Store) -> Edge:
    await store.ready(await store.claimed())
    yield
    await store.queue.trigger(KEY, force=False)


async def fail(store: Store) -> Edge:
    job = await store.claimed()
    yield
    await store.queue.fail(job, Failure("test", "bad series"), permanent=True)


async def retry(store: Store) -> Edge:
    job = await store.claimed()
    yield
    await store.queue.fail(job, Failure("test", "no answer"), permanent=False)


async def hand_back(store: Store) -> Edge:
    job = await store.claimed()
    yield
    await store.queue.hand_back(job, delay=0)


async def cancel(store: Store) -> Edge:
    job = await store.queued()
    yield
    await store.queue.cancel(job.id)


async def requeue(store: Store) -> Edge:
    job = await store.queued()
    await store.queue.cancel(job.id)
    yield
    await store.queue.requeue(job.id)


async def supersede(store: Store) -> Edge:
    await store.queued()
    yield
    await store.comparison(values=(5, 6, 7, 8))


async def import_in_demand(store: Store) -> Edge:
    await store.ready(await store.claimed())
    await store.comparisons.report_demand({KEY: 1})
    yield
    await store.comparison(values=(5, 6, 7, 8))


async def sweep(store: Store) -> Edge:
    await store.claimed()
    await lapse(store)
    yield
    await store.queue.sweep()


async def rescue_within_a_claim(store: Store) -> Edge:
    await store.claimed()
    await lapse(store)
    yield
    await store.queue.claim(0)


async def refresh(store: Store) -> Edge:
    await nearly_stale(store)
    yield
    assert await store.queue.refresh(1)


async def promote(store: Store) -> Edge:
    await nearly_stale(store)
    assert await store.queue.refresh(1)
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '1 h'")
    yield
    assert await store.queue.promote()


async def lapse(store: Store) -> None:
    await store.execute("UPDATE warmup_jobs SET lease_expires_at = now() - interval '1 s'")


async def versions(store: Store) -> set[tuple[object, object]]:
    return {(row["id"], row["version"]) for row in await store.execute("SELECT id, version FROM warmup_jobs")}


async def nearly_stale(store: Store) -> None:
    await store.ready(await store.claimed())
    await store.comparisons.report_demand({KEY: 1})
    await store.execute("UPDATE warmup_jobs SET completed_at = now() - interval '23.5 h'")


EDGES = [
    enqueue,
    claim,
    settle,
    trigger,
    fail,
    retry,
    hand_back,
    cancel,
    requeue,
    supersede,
    import_in_demand,
    sweep,
    rescue_within_a_claim,
    refresh,
    promote,
]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
async def test_each_transition_publishes_its_row(store: Store, edge: Callable[[Store], Edge]) -> None:
    async with watching(store, publisher=False) as watch, aclosing(edge(store)) as steps:
        await anext(steps)
        assert await store.publisher.flush()  # the first batch, without changes
        before = await versions(store)
        assert await anext(steps, ENDED) is ENDED
        changed = await versions(store) - before
        assert changed
        assert await store.publisher.flush()
        for job_id, version in changed:
            await watch.until_seen(job_id, version)


async def test_transitions_are_published_only_by_the_flush(store: Store) -> None:
    async with watching(store, publisher=False) as watch:
        await store.queued()
        await store.execute("SELECT pg_notify('warmcast_changes', '*')")
        await watch.until_missed()  # notifications keep their order: all earlier ones were published
        assert watch.seen == []
        assert await store.publisher.flush()
        await watch.until_missed()  # the first batch


async def test_a_heartbeat_publishes_nothing(store: Store) -> None:
    async with watching(store, publisher=False) as watch:
        claimed = await store.claimed()
        other = await store.queued("walmart")
        await store.queue.cancel(other.id)
        assert await store.publisher.flush()
        await store.execute("SELECT pg_notify('warmcast_changes', %(id)s)", id=str(other.id))
        await watch.until(JobStatus.CANCELLED)  # notifications keep their order: all earlier ones were published
        watch.seen.clear()
        assert await store.queue.heartbeat(claimed)
        await store.queue.requeue(other.id)
        assert await store.publisher.flush()
        await watch.until(JobStatus.QUEUED)
        assert {change.job_id for change in watch.seen} == {other.id}


async def test_other_changes_of_a_row_are_published_by_the_trigger(store: Store) -> None:
    async with watching(store) as watch:
        job = await store.queued()
        with psycopg.connect(store.url) as connection:
            connection.execute("UPDATE warmup_jobs SET status = 'running', version = 7 WHERE id = %s", (job.id,))
        assert await watch.until(JobStatus.RUNNING) == 7


async def test_a_new_process_publishes_missed_for_changes_of_a_dead_one(store: Store) -> None:
    async with watching(store) as watch:
        await store.queued()
        await watch.until(JobStatus.QUEUED)
        # A process that claims, and ends before it publishes.
        await store.runner("dead", publisher=ChangePublisher(store.database)).claim(1)
        assert await ChangePublisher(store.database).flush()
        await watch.until_missed()


async def test_an_outage_ends_with_a_missed_batch(store: Store) -> None:
    unreachable = Database("host=127.0.0.1 port=1", pool_size=1, wait=0.1)
    await unreachable.open()
    assert not await ChangePublisher(unreachable).flush()
    await unreachable.close()
    publisher = ChangePublisher(store.database)
    assert await publisher.flush()
    async with watching(store) as watch:
        await store.queued()
        await watch.until(JobStatus.QUEUED)
        publisher.publish_unknown()
        assert await publisher.flush()
        await watch.until_missed()


async def test_more_ids_than_one_payload_holds_are_published_as_many(store: Store) -> None:
    publisher = ChangePublisher(store.database)
    assert await publisher.flush()
    async with watching(store) as watch:
        await store.queued()
        await watch.until(JobStatus.QUEUED)
        publisher.publish(range(1, 10_001))  # the given number, in several notifications
        assert await publisher.flush()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await watch.until_missed()
        publisher.publish(range(1, 10_002))
        assert await publisher.flush()
        await watch.until_missed()


async def test_an_import_that_enqueues_and_supersedes_is_published(store: Store) -> None:
    async with watching(store) as watch:
        await store.queued()
        await watch.until(JobStatus.QUEUED)
        newer = await store.comparison(values=(5, 6, 7, 8))
        await watch.until(JobStatus.CANCELLED)
        await store.queue.enqueue(key_of(newer), newer.data_hash, seen_version=0, reason=EnqueueReason.FIRST_CALL)
        await watch.until(JobStatus.QUEUED)


async def test_a_statement_with_too_many_changed_rows_publishes_missed(store: Store) -> None:
    async with watching(store) as watch:
        await store.queued()
        await watch.until(JobStatus.QUEUED)
        with psycopg.connect(store.url) as connection:
            # Rows without snapshots, which are enough to be counted.
            connection.execute("ALTER TABLE warmup_jobs DROP CONSTRAINT warmup_jobs_slug_timeframe_geo_data_hash_fkey")
            connection.execute(
                "INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, debug_id, reason) "
                "SELECT slug, timeframe, geo, 'example-' || number, 'test', 'first-call' "
                "FROM warmup_jobs, generate_series(1, 301) AS number"
            )
        await watch.until_missed()


async def test_a_lost_connection_publishes_missed(store: Store) -> None:
    async with watching(store) as watch:
        await store.queued()
        await watch.until(JobStatus.QUEUED)
        await store.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'warmcast-listen' AND datname = current_database()"
        )
        await watch.until_missed()


async def test_without_the_trigger_other_changes_are_not_published(store: Store) -> None:
    async with watching(store) as watch:
        job = await store.queued()
        await watch.until(JobStatus.QUEUED)
        with psycopg.connect(store.url) as connection:
            connection.execute("ALTER TABLE warmup_jobs DISABLE TRIGGER USER")
            connection.execute("UPDATE warmup_jobs SET status = 'running', version = 7 WHERE id = %s", (job.id,))
            connection.execute("SELECT pg_notify('warmcast_changes', '*')")
        await watch.until_missed()
        assert JobStatus.RUNNING not in {change.status for change in watch.seen}
