"""The track record by week."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from warmcast.jobs.v1 import operations_pb2 as pb

from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import Jobs, serving

_INSERT = """
INSERT INTO forecast_score_sums VALUES (%(day)s, %(timeframe)s, 2, 2, 1, 3, 10, 8, 9, 4.0, 4, 2.0)
"""


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def test_scores_are_summed_by_week_and_timeframe(jobs: Jobs) -> None:
    now = (await jobs.store.comparisons.now()).astimezone(UTC)
    monday = (now - timedelta(days=now.weekday())).date()
    for days, timeframe in ((-7, "12m"), (-1, "12m"), (-8, "5y"), (-53 * 7, "12m"), (-52 * 7, "12m")):
        await jobs.store.execute(_INSERT, day=monday + timedelta(days=days), timeframe=timeframe)
    await jobs.store.execute(_INSERT, day="-infinity", timeframe="12m")
    weeks = (await jobs.operations.GetTrackRecord(pb.GetTrackRecordRequest())).weeks
    last, before, first = (monday - timedelta(weeks=count) for count in (1, 2, 52))
    assert [(each.week, [one.timeframe for one in each.timeframes]) for each in weeks] == [
        (first.isoformat(), ["12m"]),
        (before.isoformat(), ["5y"]),
        (last.isoformat(), ["12m"]),
    ]
    stats = weeks[2].timeframes[0].stats
    assert (stats.forecasts, stats.winner_right, stats.direction_right) == (4, 0.5, 0.75)
    assert (stats.coverage80, stats.coverage95, stats.mae, stats.mase) == (0.8, 0.9, 1.0, 0.5)
    assert datetime.fromisoformat(weeks[2].week).weekday() == 0


async def test_confidence_is_summed_over_the_same_weeks(jobs: Jobs) -> None:
    now = (await jobs.store.comparisons.now()).astimezone(UTC)
    monday = (now - timedelta(days=now.weekday())).date()
    for weeks, start in ((0, 60), (52, 60), (53, 60), (1, 0)):
        await jobs.store.execute(
            "INSERT INTO direction_confidence_sums VALUES (%(week)s, %(start)s, 3, 2, 190.5)",
            week=monday - timedelta(weeks=weeks),
            start=start,
        )
    bins = (await jobs.operations.GetTrackRecord(pb.GetTrackRecordRequest())).confidence
    assert list(bins) == [
        pb.ConfidenceBin(from_percent=0, directions=3, said=0.635, came=0.6667),
        pb.ConfidenceBin(from_percent=60, directions=6, said=0.635, came=0.6667),
    ]


async def test_without_scores_there_is_no_week_and_no_bin(jobs: Jobs) -> None:
    response = await jobs.operations.GetTrackRecord(pb.GetTrackRecordRequest())
    assert not response.weeks
    assert not response.confidence
