"""The rules of enqueuing, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import AsyncMock

import pytest

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.enqueue import Enqueuer
from services.jobs.domain.job import Cause, EnqueueReason, SweptJob, WarmupJob
from services.jobs.domain.operations import Actor
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.signals import Signals
from services.jobs.domain.warmup import Place, WarmupView

KEY = ComparisonKey("amazon-vs-costco", "12m", "")
HASH = "0f3a0f3a0f3a0f3a"
NOW = datetime(2026, 1, 4, tzinfo=UTC)
PLACE = Place(1, 0.0, 0.0, 2.0)
JOB = WarmupJob(
    id=7,
    slug=KEY.slug,
    timeframe=KEY.timeframe,
    geo=KEY.geo,
    data_hash=HASH,
    status=JobStatus.QUEUED,
    attempts=0,
    last_error=None,
    debug_id="debug",
    created_at=NOW,
    updated_at=NOW,
    started_at=None,
    completed_at=None,
    version=3,
    reason="first-call",
    priority=0,
    queued_at=NOW,
    not_before=None,
    lease_id=0,
    lease_expires_at=None,
    adopt_above_lease=0,
    force=False,
    cooldown_until=None,
    engine_version=None,
    error_reason=None,
    holder=None,
    requeues=0,
)
SIGNALS = Signals("flat", 0, 0, 1, 0)
VIEW = WarmupView(KEY, ("amazon", "costco"), HASH, (SIGNALS, SIGNALS), None, None, JOB, PLACE, False, False, 0.0)

ACTOR = Actor("Ada", "the cache was lost", "request-1")


class World:
    """An Enqueuer and the stores behind it."""

    def __init__(self, view: WarmupView = VIEW) -> None:
        self.queue = AsyncMock()
        self.queue.enqueue_and_place.return_value = None
        self.queue.sweep.return_value = ()
        self.views = AsyncMock()
        self.views.view.return_value = view
        self.pages = AsyncMock()
        self.enqueuer = Enqueuer(self.queue, self.views, self.pages)

    async def enqueue(
        self, *, seen_version: int = 3, data_hash: str = HASH, reason: EnqueueReason = EnqueueReason.FIRST_CALL
    ) -> tuple[WarmupJob | None, object, bool]:
        result = await self.enqueuer.enqueue(KEY, data_hash, seen_version=seen_version, reason=reason)
        return result.job, result.place, result.enqueued


async def test_a_started_episode_is_returned_without_another_read() -> None:
    world = World()
    world.queue.enqueue_and_place.return_value = (JOB, PLACE)
    assert await world.enqueue() == (JOB, PLACE, True)
    world.views.view.assert_not_awaited()


async def test_a_row_that_has_changed_is_returned_unchanged() -> None:
    world = World()
    assert await world.enqueue(seen_version=2) == (JOB, PLACE, False)
    world.queue.sweep.assert_not_awaited()


async def test_a_job_of_another_snapshot_is_not_returned() -> None:
    assert await World().enqueue(data_hash="1" * 16) == (None, None, False)


async def test_an_overdue_job_at_the_seen_version_is_requeued() -> None:
    world = World(replace(VIEW, overdue=True))
    requeued = replace(JOB, version=4)
    world.queue.sweep.return_value = (SweptJob(requeued, Cause.LEASE_EXPIRED),)
    assert await world.enqueue() == (requeued, PLACE, True)
    world.queue.sweep.assert_awaited_once_with(JOB.id)


async def test_an_overdue_job_at_another_version_is_left_unchanged() -> None:
    world = World(replace(VIEW, overdue=True))
    assert await world.enqueue(seen_version=2) == (JOB, PLACE, False)
    world.queue.sweep.assert_not_awaited()


async def test_an_overdue_job_that_another_call_has_requeued_is_returned_unchanged() -> None:
    assert await World(replace(VIEW, overdue=True)).enqueue() == (JOB, PLACE, False)


@pytest.mark.parametrize("reason", [EnqueueReason.FIRST_CALL, EnqueueReason.CACHE_LOST])
async def test_a_deferred_job_is_promoted_at_any_version(reason: EnqueueReason) -> None:
    world = World(replace(VIEW, deferred=True, place=Place(800, 0.0, 0.0, 2.0)))
    promoted = replace(JOB, version=4)
    world.queue.promote_one.return_value = (promoted, PLACE)
    assert await world.enqueue(seen_version=2, reason=reason) == (promoted, PLACE, False)
    world.queue.promote_one.assert_awaited_once_with(JOB.id)


async def test_a_deferred_job_that_another_call_has_promoted_is_returned_unchanged() -> None:
    world = World(replace(VIEW, deferred=True))
    world.queue.promote_one.return_value = None
    assert await world.enqueue() == (JOB, PLACE, False)


async def test_a_refresh_promotes_nothing() -> None:
    world = World(replace(VIEW, deferred=True))
    assert await world.enqueue(reason=EnqueueReason.REFRESH) == (JOB, PLACE, False)
    world.queue.promote_one.assert_not_awaited()


@pytest.mark.parametrize("action", ["requeue", "cancel"])
@pytest.mark.parametrize(("row", "reason"), [(None, errors.NOT_FOUND), (JOB, errors.WRONG_STATE)])
async def test_a_refused_action_names_its_reason(action: str, row: WarmupJob | None, reason: errors.Reason) -> None:
    world = World()
    world.queue.requeue.return_value = []
    world.queue.cancel.return_value = None
    world.queue.job.return_value = row
    with pytest.raises(WarmcastError) as refused:
        await getattr(world.enqueuer, action)(7, ACTOR)
    assert refused.value.reason is reason


@pytest.mark.parametrize("status", [None, JobStatus.RUNNING])
async def test_only_jobs_that_do_not_run_are_requeued_by_filter(status: JobStatus | None) -> None:
    world = World()
    with pytest.raises(WarmcastError) as refused:
        await world.enqueuer.requeue_matching(JobFilter(status=status), limit=10, dry_run=False, actor=ACTOR)
    assert refused.value.reason is errors.INVALID_ARGUMENT
    world.queue.requeue.assert_not_awaited()


async def test_a_dry_run_requeues_nothing() -> None:
    world = World()
    world.pages.jobs.return_value = [JOB]
    assert await world.enqueuer.requeue_matching(JobFilter(JobStatus.FAILED), limit=10, dry_run=True, actor=ACTOR) == [
        JOB
    ]
    world.queue.requeue.assert_not_awaited()
