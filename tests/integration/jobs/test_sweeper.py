"""The audit: ready rows against the forecaster's cache."""

from __future__ import annotations

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.jobs.episodes import ENQUEUED, READY_WITHOUT_CACHE
from services.jobs.job import Cause, EnqueueReason, Status, SweptJob, WarmupJob
from services.jobs.runner import Runner
from services.jobs.sweeper import Sweeper
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store, succeed


def runner(store: Store, forecaster: FakeForecaster) -> Runner:
    return Runner(store.queue, forecaster, POLICY)


async def test_the_audit_takes_back_ready_jobs_whose_bundles_are_gone(store: Store) -> None:
    forecaster = FakeForecaster(succeed)
    run = runner(store, forecaster)
    kept, lost, unasked = [await store.claimed(term) for term in ("amazon", "walmart", "target")]
    for job in (kept, lost, unasked):
        assert await run.run(job) is Status.READY
    await store.comparisons.report_demand({kept.key: 1, lost.key: 3})
    forecaster.lost = {lost.data_hash, unasked.data_hash}
    swept = await Sweeper(store.queue, store.listings, forecaster).sweep()
    assert (swept.audited, swept.audit_skipped) == (2, "")
    assert [(each.cause, each.job.id) for each in swept.requeued] == [(Cause.CACHE_LOST, lost.id)]
    assert (await store.row(unasked)).status is Status.READY


async def test_what_was_taken_back_is_told_when_the_audit_is_cut_short(store: Store) -> None:
    class Failing:
        """The queue, which PostgreSQL's loss ends after one job."""

        left = 1

        async def sweep(self, job_id: int | None = None) -> tuple[SweptJob, ...]:
            return await store.queue.sweep(job_id)

        async def enqueue(
            self, key: ComparisonKey, data_hash: str, *, seen_version: int, reason: EnqueueReason
        ) -> WarmupJob | None:
            if not self.left:
                raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL cannot be asked")
            self.left -= 1
            return await store.queue.enqueue(key, data_hash, seen_version=seen_version, reason=reason)

    forecaster = FakeForecaster(succeed)
    for term in ("amazon", "walmart"):
        ready = await store.claimed(term)
        assert await runner(store, forecaster).run(ready) is Status.READY
        await store.comparisons.report_demand({ready.key: 1})
        forecaster.lost.add(ready.data_hash)
    counted = _begun(EnqueueReason.CACHE_LOST), READY_WITHOUT_CACHE._value.get()
    swept = await Sweeper(Failing(), store.listings, forecaster).sweep()
    assert (len(swept.requeued), swept.audit_skipped) == (1, "PostgreSQL cannot be asked")
    assert (_begun(EnqueueReason.CACHE_LOST), READY_WITHOUT_CACHE._value.get()) == (counted[0] + 1, counted[1] + 1)


async def test_the_audit_is_skipped_and_reported_while_the_forecaster_is_away(store: Store) -> None:
    class Away(FakeForecaster):
        async def missing(self, snapshots: object) -> list[bool]:
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster could not answer")

    ready = await store.claimed()
    assert await runner(store, FakeForecaster(succeed)).run(ready) is Status.READY
    await store.comparisons.report_demand({ready.key: 1})
    await store.queued("walmart")
    await store.execute("UPDATE warmup_jobs SET queued_at = now() - interval '1 h' WHERE status = 'queued'")
    swept = await Sweeper(store.queue, store.listings, Away(succeed)).sweep()
    assert swept.audit_skipped == "the forecaster could not answer"
    assert [each.cause for each in swept.requeued] == [Cause.QUEUED_OVERDUE]


def _begun(reason: EnqueueReason) -> float:
    return float(ENQUEUED.labels(reason.value)._value.get())
