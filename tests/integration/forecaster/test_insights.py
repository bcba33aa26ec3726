"""Insights over a real Valkey and real workers: they are stored with the forecasts, and cannot cost them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.forecaster.cache.store import ForecastCache
from services.forecaster.engine.types import EngineSetting
from services.forecaster.generate import Generated, generate
from services.forecaster.insights.encoded import NO_INSIGHTS
from services.forecaster.workers import worker
from services.forecaster.workers.pool import Pool
from services.forecaster.workers.pooled_engine import INSIGHTS_FAILED, PooledEngine
from tests.integration.forecaster import work
from tests.integration.forecaster.parts import ManualClock, name, order
from tests.integration.forecaster.processes import gone, pid_in

CAUSES = ("crashed", "died", "deadline")


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    """Two workers that have loaded nothing."""
    # Longer than a test may take: only a deadline of their own ends insights that hang.
    made = Pool(slots=2, queue_limit=1, deadline=600, initializer=work.start_light)
    made.start()
    yield made
    await made.stop()


@pytest.fixture
async def warm_pool() -> AsyncIterator[Pool]:
    """One worker that has run insights."""
    made = Pool(slots=1, queue_limit=1, deadline=60, initializer=work.start_warm)
    made.start()
    await made.wait_until_warm()
    yield made
    await made.stop()


class Run:
    """Runs of one engine, each under the next lease."""

    def __init__(self, engine: PooledEngine, cache: ForecastCache, clock: ManualClock) -> None:
        self.engine, self.cache, self.clock, self.lease_id = engine, cache, clock, 0

    async def __call__(self) -> Generated:
        self.lease_id += 1
        return await generate(order(self.lease_id), store=self.cache, engine=self.engine, now=self.clock)


@pytest.fixture
def run(pool: Pool, cache: ForecastCache, clock: ManualClock) -> Run:
    return Run(PooledEngine(pool, EngineSetting.FULL), cache, clock)


@pytest.fixture
def warm_run(warm_pool: Pool, cache: ForecastCache, clock: ManualClock) -> Run:
    return Run(PooledEngine(warm_pool, EngineSetting.FULL), cache, clock)


def failures() -> dict[str, float]:
    return {cause: INSIGHTS_FAILED.labels(cause)._value.get() for cause in CAUSES}


async def test_a_run_stores_insights_and_reads_them_back(warm_run: Run) -> None:
    before = failures()
    made = await warm_run()
    [stored] = await warm_run.cache.read([name(warm_run.engine.version)])
    assert stored == made.pair
    for insights in (stored.insights.term_a, stored.insights.term_b):
        assert set(json.loads(insights)) == {"decomposition", "season", "peaks", "changePoints", "yearOverYear"}
    assert set(json.loads(stored.insights.together)) == {"correlation", "leadLag", "leadChanges", "sharedSeason"}
    assert 3 <= len(json.loads(stored.insights.interpretations)) <= 8
    head_to_head = json.loads(stored.head_to_head_with_margin)
    assert len(head_to_head["margin"]) == len(json.loads(stored.bundle_a)["points"])
    assert failures() == before


@pytest.mark.parametrize(
    ("failing", "cause"),
    [(work.crash_on, "crashed"), (work.die, "died"), (partial(work.hang, os.devnull), "deadline")],
)
async def test_forecasts_are_ready_without_insights_that_failed(
    run: Run, pool: Pool, monkeypatch: pytest.MonkeyPatch, failing: Callable[..., None], cause: str
) -> None:
    run.engine = PooledEngine(pool, EngineSetting.FULL, insights_seconds=1 if cause == "deadline" else 30)
    before = failures()
    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(worker, "find_insights", failing)
        made = await run()
    assert [line["cause"] for line in lines if line["event"].endswith("stored without them")] == [cause]
    [stored] = await run.cache.read([name(run.engine.version)])
    assert stored == made.pair
    assert stored.insights == NO_INSIGHTS
    assert json.loads(stored.head_to_head_with_margin)["margin"]
    assert failures() == before | {cause: before[cause] + 1}


async def test_the_next_run_after_a_killed_worker_has_insights(warm_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(worker, "find_insights", work.die)
        assert (await warm_run()).pair.insights == NO_INSIGHTS
    assert (await warm_run()).pair.insights != NO_INSIGHTS


async def test_cancelling_a_run_ends_its_insights(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = tmp_path / "insights"
    monkeypatch.setattr(worker, "find_insights", partial(work.hang, str(mark)))
    before = failures()
    running = asyncio.create_task(run())
    pid = await pid_in(mark)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await gone(pid)
    assert await run.cache.read([name(run.engine.version)]) == [None]
    assert failures() == before


async def test_the_cheap_engine_has_no_insights(run: Run, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    run.engine = PooledEngine(pool, EngineSetting.NAIVE)
    before = failures()
    monkeypatch.setattr(worker, "find_insights", work.crash_on)
    assert (await run()).pair.insights == NO_INSIGHTS
    assert failures() == before
