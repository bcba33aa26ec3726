"""The limit of queued refreshes follows from the capacity of the forecasters; forecasts left due are reported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.cli import warmups
from services.cli.__main__ import app
from services.jobs.application.refresher import LIMITED, Refresher
from services.jobs.domain.forecaster import ForecasterInfo
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import SENT, Jobs, serving

SLOTS = 2
FILL = """
INSERT INTO term_pairs SELECT 'a-vs-' || n, 'a', n::text FROM generate_series(1, %(count)s::int) AS n;
INSERT INTO snapshots (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period, scaled_apart,
                       gaps_filled, source, as_of, cleaned, signals)
SELECT slug, '12m', '', slug, '{}', '{}', '{}', false, false, false, 'test', now(), '{}', '[]' FROM term_pairs;
INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id, last_requested_at)
SELECT slug, timeframe, geo, id, now() FROM snapshots;
INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, status, started_at, completed_at)
SELECT slug, timeframe, geo, data_hash, 'ready', now() - interval '23 h' - make_interval(secs => %(seconds)s),
       now() - interval '23 h' FROM snapshots;
"""


async def due(store: Store, count: int, *, run_seconds: float) -> None:
    """Creates `count` forecasts that turn stale soon, each of a run of `run_seconds`."""
    for statement in FILL.strip().split(";\n"):
        await store.execute(statement.rstrip(";"), count=count, seconds=run_seconds)


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    async with serving(store) as service:
        service.forecaster.slots = SLOTS
        yield service


async def refresh(jobs: Jobs, most: int = 0) -> pb.RefreshForecastsResponse:
    return await jobs.stub.RefreshForecasts(pb.RefreshForecastsRequest(max=most), metadata=SENT)


@pytest.mark.parametrize("count", [150, 1500])
async def test_all_due_forecasts_are_enqueued_if_the_forecasters_run_them_in_time(jobs: Jobs, count: int) -> None:
    await due(jobs.store, count, run_seconds=0.4)
    before = LIMITED._value.get()
    done = await refresh(jobs)
    assert (done.enqueued, done.left_due, done.limit, done.worker_slots) == (count, 0, 3000, SLOTS)
    assert done.mean_run_seconds == pytest.approx(0.4)
    assert len(done.jobs) == min(count, 1000), "a message has a limit"
    assert LIMITED._value.get() == before


async def test_a_limit_that_leaves_forecasts_due_is_reported_and_counted(jobs: Jobs) -> None:
    await due(jobs.store, 30, run_seconds=60)
    before = LIMITED._value.get()
    first = await refresh(jobs)
    assert (first.enqueued, first.left_due, first.limit) == (20, 10, 20), "2 slots × 600 s / 60 s"
    again = await refresh(jobs)
    assert (again.enqueued, again.left_due) == (0, 10), "those that wait count towards the limit"
    assert LIMITED._value.get() == before + 2


async def test_a_given_limit_is_used(jobs: Jobs) -> None:
    await due(jobs.store, 30, run_seconds=0.4)
    done = await refresh(jobs, 12)
    assert (done.enqueued, done.left_due, done.limit, done.worker_slots) == (12, 18, 12, 0)


async def test_the_limit_without_a_forecaster_is_a_hundred(store: Store) -> None:
    async def away() -> ForecasterInfo | None:
        return None

    await due(store, 110, run_seconds=0.4)
    done = await Refresher(store.queue, away).refresh(None)
    assert (len(done.jobs), done.left_due, done.limit.max_queued) == (100, 10, 100)


async def test_at_least_one_refresh_is_enqueued_with_the_slowest_runs(store: Store) -> None:
    async def one_slot() -> ForecasterInfo | None:
        return ForecasterInfo("test", 1)

    await due(store, 3, run_seconds=3600)
    assert len((await Refresher(store.queue, one_slot).refresh(None)).jobs) == 1


async def test_a_limit_out_of_range_is_refused(jobs: Jobs) -> None:
    for most in (-1, 10_001):
        with pytest.raises(Exception, match="must be from 1 to 10000"):
            await refresh(jobs, most)


@pytest.mark.parametrize(
    ("done", "stderr"),
    [
        (pb.RefreshForecastsResponse(enqueued=3, limit=3000), "3 to refresh\n"),
        (
            pb.RefreshForecastsResponse(enqueued=20, limit=20, left_due=10, worker_slots=2, mean_run_seconds=60),
            "20 to refresh\n10 more are due; limit: 20 in the queue, the runs of 2 slots in ten minutes at 60 s each\n",
        ),
        (
            pb.RefreshForecastsResponse(enqueued=12, limit=12, left_due=10_000),
            "12 to refresh\n10000+ more are due; limit: 12 in the queue\n",
        ),
        (pb.RefreshForecastsResponse(jobs=[pb.WarmupJob(id=1)]), "1 to refresh\n"),
    ],
)
def test_the_command_reports_forecasts_that_are_left_due(
    monkeypatch: pytest.MonkeyPatch, done: pb.RefreshForecastsResponse, stderr: str
) -> None:
    class Client:
        def refresh(self, most: int) -> pb.RefreshForecastsResponse:
            return done

    @contextmanager
    def connect(*_: object) -> Iterator[Client]:
        yield Client()

    monkeypatch.setattr(warmups, "connect", connect)
    assert CliRunner().invoke(app, ["refresh"]).stderr == stderr
