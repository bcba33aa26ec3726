"""Statistics of attempts: the rollup by minute and hour, and what is read from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.application.reports.rollup import RollupLoop
from services.jobs.domain.reports.statistics import WINDOWS, Statistics
from services.jobs.postgres.reports import statistics as statistics_module
from services.jobs.postgres.reports.rollup import Rollup
from services.jobs.postgres.reports.statistics import AttemptStatistics
from tests.integration.jobs.conftest import Store, forecasts
from tests.integration.jobs.service import Jobs, refused, serving

_INSERT = """
INSERT INTO warmup_attempts (job_id, lease_id, attempt, reason, claimed_at, due_at, ended_at, outcome, error_reason,
                             debug_id, refused_at)
SELECT 1, lease_id, 1, %(reason)s, now() - make_interval(secs => ago + run),
       now() - make_interval(secs => ago + run + wait), now() - make_interval(secs => ago), outcome,
       NULLIF(error_reason, ''), '', CASE WHEN refused_ago >= 0 THEN now() - make_interval(secs => refused_ago) END
FROM unnest(%(leases)s::bigint[], %(ages)s::float8[], %(waits)s::float8[], %(runs)s::float8[], %(outcomes)s::text[],
            %(reasons)s::text[], %(refused)s::float8[])
    AS attempt (lease_id, ago, wait, run, outcome, error_reason, refused_ago)
"""
_ROWS = """
SELECT seconds, start, outcome, error_reason, count, cache_losses, wait_buckets, wait_counts, run_buckets, run_counts
FROM attempt_statistics ORDER BY seconds, start, outcome, error_reason
"""
HOUR = timedelta(hours=1)


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


class Attempts:
    """Inserts attempts that ended some seconds ago."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lease = 0

    async def insert(
        self,
        *ages: float,
        wait: float | list[float] = 1,
        run: float | list[float] = 1,
        outcome: str = "ready",
        error_reason: str = "",
        reason: str = "first-call",
        refused_ago: float = -1,
    ) -> None:
        size = len(ages)
        self._lease += size
        await self._store.execute(
            _INSERT,
            leases=list(range(self._lease - size + 1, self._lease + 1)),
            ages=list(ages),
            waits=wait if isinstance(wait, list) else [wait] * size,
            runs=run if isinstance(run, list) else [run] * size,
            outcomes=[outcome] * size,
            reasons=[error_reason] * size,
            refused=[refused_ago] * size,
            reason=reason,
        )


async def caught_up(store: Store, most: timedelta = HOUR) -> int:
    """Computes until nothing is left; returns the number of steps."""
    for step in range(1, 1000):
        if not await Rollup(store.database).advance(most=most, pause=0):
            return step
    raise AssertionError("it never ends")


async def statistics(store: Store, hours: int) -> Statistics:
    return await AttemptStatistics(store.database).of(WINDOWS[hours])


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_percentiles_of_buckets_are_within_five_per_cent(store: Store, seed: int) -> None:
    random = Random(seed)
    size = 4000
    ages = [random.uniform(0, 5.5 * 3600) for _ in range(size)]
    waits = [random.lognormvariate(random.choice([-3, 2]), 2) for _ in range(size)]
    runs = [random.lognormvariate(0, 1.5) for _ in range(size)]
    await Attempts(store).insert(*ages, wait=waits, run=runs)
    await caught_up(store)
    found = await statistics(store, 6)
    assert found.bucketed
    for measured, name in ((found.wait, "claimed_at - due_at"), (found.run, "ended_at - claimed_at")):
        assert measured.count == size
        [exact] = await store.execute(
            "SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY seconds) AS values "
            f"FROM (SELECT EXTRACT(epoch FROM {name})::float8 AS seconds FROM warmup_attempts) AS attempt"
        )
        assert [measured.p50, measured.p95, measured.p99] == pytest.approx(exact["values"], rel=0.05)


async def test_every_window_has_all_bars_and_counts_by_outcome(jobs: Jobs) -> None:
    attempts = Attempts(jobs.store)
    await attempts.insert(90, 100, 7 * 60)
    await attempts.insert(95, outcome="retry", error_reason="cache-unavailable")
    await attempts.insert(95, outcome="failed", error_reason="unwarmable")
    await attempts.insert(95, outcome="lease-expired", refused_ago=30)
    await attempts.insert(95, 96, outcome="handed-back", error_reason="busy", reason="cache-lost")
    await attempts.insert(95, reason="cache-lost")
    await caught_up(jobs.store)
    for hours, window in WINDOWS.items():
        found = await jobs.operations.GetStatistics(pb.GetStatisticsRequest(window_hours=hours))
        assert found.bucketed == (hours > 1)
        assert found.bar_seconds == window.bar.total_seconds()
        assert len(found.bars) == hours * 3600 // found.bar_seconds
        starts = [bar.start.ToSeconds() for bar in found.bars]
        assert {later - earlier for earlier, later in pairwise(starts)} == {found.bar_seconds}
        assert getattr(found, "from") == found.bars[0].start
        assert starts[-1] <= found.to.ToSeconds() < starts[-1] + found.bar_seconds
        assert sum(bar.ready for bar in found.bars) == 4
        assert sum(bar.retried for bar in found.bars) == 1
        assert sum(bar.failed for bar in found.bars) == 1
        assert sum(bar.other for bar in found.bars) == 3
        assert [(each.outcome, each.error_reason, each.count) for each in found.outcomes] == [
            ("ready", "", 4),
            ("handed-back", "busy", 2),
            ("failed", "unwarmable", 1),
            ("lease-expired", "", 1),
            ("retry", "cache-unavailable", 1),
        ]
        assert {each.cause: each.count for each in found.rescues} == {"lease-expired": 1, "deadline-passed": 0}
        assert (found.late_results_refused, found.cache_losses) == (1, 1)
        assert (found.wait.count, found.run.count) == (9, 4)
        assert found.wait.p50 == pytest.approx(1, rel=0.05)
        assert found.run.p99 == pytest.approx(1, rel=0.05)


async def test_an_empty_database_has_empty_bars(jobs: Jobs) -> None:
    await caught_up(jobs.store)
    for hours in WINDOWS:
        found = await jobs.operations.GetStatistics(pb.GetStatisticsRequest(window_hours=hours))
        assert len(found.bars) == hours * 3600 // found.bar_seconds
        assert (found.wait, found.run) == (pb.Percentiles(), pb.Percentiles())
        assert not found.outcomes
        assert [each.count for each in found.rescues] == [0, 0]
    default = await jobs.operations.GetStatistics(pb.GetStatisticsRequest())
    assert default.window_hours == 1
    error = await refused(jobs.operations.GetStatistics(pb.GetStatisticsRequest(window_hours=2)))
    assert error.reason is errors.INVALID_ARGUMENT


async def test_a_run_of_the_queue_is_counted(jobs: Jobs) -> None:
    job = await jobs.store.claimed()
    assert await jobs.store.queue.ready(job, forecasts())
    found = await jobs.operations.GetStatistics(pb.GetStatisticsRequest())
    assert [(each.outcome, each.count) for each in found.outcomes] == [("ready", 1)]
    assert found.wait.p50 >= 0


async def test_what_commits_late_is_counted_once(store: Store) -> None:
    attempts = Attempts(store)
    await attempts.insert(10, 130)
    await caught_up(store)
    await attempts.insert(125, outcome="retry")  # in a minute that was computed before
    await caught_up(store)
    await caught_up(store)
    found = await statistics(store, 6)
    assert {outcome: count for outcome, _, count in found.outcomes} == {"ready": 2, "retry": 1}
    day = await statistics(store, 168)
    assert {outcome: count for outcome, _, count in day.outcomes} == {"ready": 2, "retry": 1}


async def test_a_late_result_counts_when_it_was_refused(store: Store) -> None:
    await Attempts(store).insert(8 * 3600, outcome="lease-expired", refused_ago=60)
    await caught_up(store)
    found = await statistics(store, 6)
    assert (found.late_results_refused, found.outcomes) == (1, ())


async def test_several_processes_count_once(store: Store) -> None:
    await Attempts(store).insert(*range(0, 7200, 60))
    await asyncio.gather(*(caught_up(store, timedelta(minutes=7)) for _ in range(4)))
    await caught_up(store)
    once = await store.execute(_ROWS)
    assert sum(int(str(row["count"])) for row in once if row["seconds"] == 60) == 120
    assert sum(int(str(row["count"])) for row in once if row["seconds"] == 3600) == 120
    await caught_up(store)
    assert await store.execute(_ROWS) == once


async def test_a_process_leaves_what_another_one_has_just_computed(store: Store) -> None:
    await caught_up(store)
    await Attempts(store).insert(1)
    assert not await Rollup(store.database).advance(most=HOUR, pause=60)
    assert await store.execute(_ROWS) == []
    await caught_up(store)
    assert len(await store.execute(_ROWS)) == 2


async def test_old_statistics_are_deleted_in_batches(store: Store) -> None:
    await Attempts(store).insert(*(86_400 * day for day in range(5)))
    await caught_up(store, timedelta(days=10))
    await store.execute("DELETE FROM warmup_attempts")
    assert await store.queue.delete_old(days=2, limit=4) == 4
    assert await store.queue.delete_old(days=2, limit=4) == 2
    assert len(await store.execute(_ROWS)) == 4


async def test_after_an_outage_the_missing_minutes_follow_in_steps(store: Store) -> None:
    await Attempts(store).insert(*range(0, 3 * 3600, 600))
    assert await caught_up(store, timedelta(minutes=30)) >= 6
    in_steps = await store.execute(_ROWS)
    await store.execute("DELETE FROM attempt_statistics")
    await store.execute("DELETE FROM attempt_statistics_position")
    assert await caught_up(store, timedelta(days=1)) == 1
    assert await store.execute(_ROWS) == in_steps


async def test_a_step_that_takes_too_long_is_halved(store: Store) -> None:
    asked: list[timedelta] = []

    class Slow:
        async def advance(self, *, most: timedelta, pause: float) -> timedelta:
            asked.append(most)
            if most > timedelta(minutes=15):
                raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL did not answer in time")
            return timedelta(hours=2)

    loop = RollupLoop(Slow(), every=1)
    for _ in range(3):
        await loop.advance()
    assert asked == [timedelta(hours=1), timedelta(minutes=30), timedelta(minutes=15)]


async def test_the_loop_computes_until_it_is_cancelled(store: Store) -> None:
    await Attempts(store).insert(*range(0, 4 * 3600, 600))
    pauses: list[float] = []
    idle = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if seconds == 20:
            idle.set()
        await asyncio.sleep(0)

    task = asyncio.create_task(RollupLoop(Rollup(store.database), every=20, sleep=sleep).run())
    await asyncio.wait_for(idle.wait(), 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert pauses.count(0.1) >= 3
    assert sum(count for _, _, count in (await statistics(store, 6)).outcomes) == 24


async def test_an_hour_with_very_many_attempts_is_bucketed_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await Attempts(store).insert(*range(60, 600, 60))
    await caught_up(store)
    assert not (await statistics(store, 1)).bucketed
    query = statistics_module._NOW.replace(str(statistics_module._MOST_EXACT), "5")
    assert query != statistics_module._NOW
    monkeypatch.setattr(statistics_module, "_NOW", query)
    found = await statistics(store, 1)
    assert (found.bucketed, found.wait.count) == (True, 9)
