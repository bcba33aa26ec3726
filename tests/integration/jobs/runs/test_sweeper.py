"""The audit of ready rows against the forecaster's cache."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application import sweeper
from services.jobs.application.metrics import ENQUEUED, READY_WITHOUT_CACHE
from services.jobs.application.runner import Runner
from services.jobs.application.sweeper import Sweeper
from services.jobs.domain.job import Cause, EnqueueReason, SweptJob, WarmupJob
from services.jobs.domain.snapshot import ForecastKey
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store, succeed


def runner(store: Store, forecaster: FakeForecaster) -> Runner:
    return Runner(store.queue, forecaster, POLICY)


async def test_the_audit_requeues_ready_jobs_with_missing_bundles(store: Store) -> None:
    forecaster = FakeForecaster(succeed)
    run = runner(store, forecaster)
    kept, lost, without_demand = [await store.claimed(term) for term in ("amazon", "walmart", "target")]
    for job in (kept, lost, without_demand):
        assert await run.run(job) is JobStatus.READY
    await store.comparisons.report_demand({kept.key: 1, lost.key: 3})
    forecaster.lost = {lost.data_hash, without_demand.data_hash}
    swept = await Sweeper(store.queue, store.listings, forecaster).sweep()
    assert (swept.audited, swept.audit_skipped) == (2, "")
    assert [(each.cause, each.job.id) for each in swept.requeued] == [(Cause.CACHE_LOST, lost.id)]
    assert (await store.row(without_demand)).status is JobStatus.READY


async def test_requeued_jobs_are_reported_when_the_audit_stops_early(store: Store) -> None:
    class Failing:
        """A queue that becomes unavailable after one job."""

        left = 1

        async def sweep(self, job_id: int | None = None) -> tuple[SweptJob, ...]:
            return await store.queue.sweep(job_id)

        async def enqueue(
            self, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
        ) -> WarmupJob | None:
            if not self.left:
                raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable")
            self.left -= 1
            return await store.queue.enqueue(key, data_hash, seen_version=seen_version, reason=reason)

    forecaster = FakeForecaster(succeed)
    for term in ("amazon", "walmart"):
        ready = await store.claimed(term)
        assert await runner(store, forecaster).run(ready) is JobStatus.READY
        await store.comparisons.report_demand({ready.key: 1})
        forecaster.lost.add(ready.data_hash)
    counted = _enqueued(EnqueueReason.CACHE_LOST), READY_WITHOUT_CACHE._value.get()
    swept = await Sweeper(Failing(), store.listings, forecaster).sweep()
    assert (len(swept.requeued), swept.audit_skipped) == (1, "PostgreSQL is unavailable")
    assert (_enqueued(EnqueueReason.CACHE_LOST), READY_WITHOUT_CACHE._value.get()) == (counted[0] + 1, counted[1] + 1)


async def test_the_audit_is_skipped_and_reported_while_the_forecaster_is_unavailable(store: Store) -> None:
    class Unavailable(FakeForecaster):
        async def missing(self, snapshots: object) -> list[bool]:
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster could not answer")

    ready = await store.claimed()
    assert await runner(store, FakeForecaster(succeed)).run(ready) is JobStatus.READY
    await store.comparisons.report_demand({ready.key: 1})
    await store.queued("walmart")
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '1 h' WHERE status = 'queued'")
    swept = await Sweeper(store.queue, store.listings, Unavailable(succeed)).sweep()
    assert swept.audit_skipped == "the forecaster could not answer"
    assert [each.cause for each in swept.requeued] == [Cause.QUEUED_OVERDUE]


class Hanging(FakeForecaster):
    """Answers for the first `left` jobs of a sweep, then blocks."""

    left = 0

    def __init__(self) -> None:
        super().__init__(succeed)
        self.checked: list[str] = []

    async def missing(self, keys: Sequence[ForecastKey]) -> list[bool]:
        if self.left <= 0:
            await asyncio.Event().wait()
        self.left -= len(keys)
        self.checked += [key.snapshot.slug for key in keys]
        return [False] * len(keys)


async def ready_jobs(store: Store, count: int) -> list[str]:
    """The slugs of jobs that an audit checks, in its order."""
    for number in range(count):
        job = await store.claimed(f"term {number}")
        assert await runner(store, FakeForecaster(succeed)).run(job) is JobStatus.READY
    await store.execute("UPDATE comparisons SET last_requested_at = now()")
    return [str(row["slug"]) for row in await store.execute("SELECT slug FROM warmup_jobs ORDER BY id")]


async def test_an_audit_continues_where_the_last_one_stopped_and_wraps_around(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "_PAGE", 1)
    monkeypatch.setattr(sweeper, "_AUDIT_SECONDS", 1.5)
    slugs = await ready_jobs(store, 5)
    forecaster = Hanging()
    for _ in range(3):
        forecaster.left = 2
        # Another process each time: the position is in PostgreSQL.
        swept = await Sweeper(store.queue, store.listings, forecaster).sweep()
        assert (swept.audited, swept.audit_skipped) == (2, "stopped after 1.5 s; the next sweep continues there")
    assert forecaster.checked == [*slugs, slugs[0]]


async def test_a_complete_audit_checks_each_job_once_from_any_position(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "_PAGE", 2)
    slugs = await ready_jobs(store, 5)
    (middle,) = await store.execute("SELECT id FROM warmup_jobs ORDER BY id OFFSET 2 LIMIT 1")
    await store.listings.save_audit_position(int(str(middle["id"])))
    forecaster = Hanging()
    forecaster.left = 100
    swept = await Sweeper(store.queue, store.listings, forecaster).sweep()
    assert (swept.audited, swept.audit_skipped) == (5, "")
    assert forecaster.checked == [*slugs[3:], *slugs[:3]]


async def test_a_page_that_times_out_does_not_block_the_audit_of_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "_PAGE", 1)
    monkeypatch.setattr(sweeper, "_AUDIT_SECONDS", 1.5)
    slugs = await ready_jobs(store, 3)

    class HangingForOne(Hanging):
        async def missing(self, keys: Sequence[ForecastKey]) -> list[bool]:
            self.left = 0 if keys[0].snapshot.slug == slugs[1] else 1
            return await super().missing(keys)

    forecaster = HangingForOne()
    for _ in range(3):
        await Sweeper(store.queue, store.listings, forecaster).sweep()
    assert set(forecaster.checked) == {slugs[0], slugs[2]}


def _enqueued(reason: EnqueueReason) -> float:
    return float(ENQUEUED.labels(reason.value)._value.get())
