"""The track record by week, timeframe and engine version on real PostgreSQL, against the scores that it sums."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from tests.integration.jobs.comparisons.test_track_record import imported, warmed
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import Jobs, refused, serving

_INSERT = """
INSERT INTO accuracy_sums VALUES (%(week)s, %(timeframe)s, %(version)s, %(measure)s, 2, 20, 15, 16, 200, 150, 117)
"""


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def record(jobs: Jobs, **fields: str) -> pb.GetTrackRecordResponse:
    return await jobs.operations.GetTrackRecord(pb.GetTrackRecordRequest(**fields))


async def insert(jobs: Jobs, weeks_ago: int, timeframe: str = "12m", version: str = "9", *measures: str) -> str:
    """Sums of a week; returns its Monday."""
    now = (await jobs.store.comparisons.now()).astimezone(UTC)
    monday = (now - timedelta(days=now.weekday(), weeks=weeks_ago)).date()
    for measure in measures or ("direction", "interval-80"):
        await jobs.store.execute(_INSERT, week=monday, timeframe=timeframe, version=version, measure=measure)
    return monday.isoformat()


async def test_weeks_of_the_last_year_are_in_order_and_by_timeframe(jobs: Jobs) -> None:
    last, _ = await insert(jobs, 1, "5y"), await insert(jobs, 1, "12m")
    first, before = await insert(jobs, 52), await insert(jobs, 2, "5y")
    await insert(jobs, 53)
    found = await record(jobs)
    assert [(each.week, [one.timeframe for one in each.by_timeframe]) for each in found.weeks] == [
        (first, ["12m"]),
        (before, ["5y"]),
        (last, ["12m", "5y"]),
    ]
    assert [each.total.forecasts for each in found.weeks] == [2, 2, 4]
    assert found.total.forecasts == 8
    assert {each.timeframe: each.accuracy.forecasts for each in found.by_timeframe} == {"12m": 4, "5y": 4}
    assert all(datetime.fromisoformat(each.week).weekday() == 0 for each in found.weeks)


async def test_a_timeframe_and_an_engine_version_are_selected(jobs: Jobs) -> None:
    await insert(jobs, 0, "12m", "9")
    await insert(jobs, 1, "12m", "10")
    await insert(jobs, 1, "5y", "10-trial")
    await insert(jobs, 60, "5y", "8")
    found = await record(jobs, timeframe="12m", engine_version="10")
    assert (found.total.forecasts, len(found.weeks)) == (2, 1)
    assert [each.timeframe for each in found.by_timeframe] == ["12m"]
    assert (await record(jobs, engine_version="9")).total.forecasts == 2
    assert (await record(jobs, timeframe="5y")).total.forecasts == 2
    assert (await record(jobs, engine_version="8")).total == pb.Accuracy(), "more than a year ago"
    assert list(found.engine_versions) == ["10-trial", "10", "9"]


async def test_shares_have_counts_and_intervals(jobs: Jobs) -> None:
    await insert(jobs, 0, "12m", "9", "interval-80", "winner", "confidence-70")
    total = (await record(jobs)).total
    assert (total.interval80.count, total.interval80.forecasts) == (20, 2)
    assert (total.interval80.came, total.interval80.said) == (0.75, 0.8)
    assert total.interval80.low < 0.75 < total.interval80.high
    assert not total.winner.HasField("said")
    assert not total.HasField("interval95")
    assert not total.HasField("mae")
    assert [(each.from_percent, each.share.count) for each in total.confidence_bins] == [(70, 20)]


async def test_a_report_is_kept_for_seconds(jobs: Jobs) -> None:
    await insert(jobs, 0)
    assert (await record(jobs)).total.forecasts == 2
    await insert(jobs, 1)
    assert (await record(jobs)).total.forecasts == 2
    assert (await record(jobs, timeframe="12m")).total.forecasts == 4


async def test_without_scores_the_record_is_empty(jobs: Jobs) -> None:
    assert await record(jobs) == pb.GetTrackRecordResponse(total=pb.Accuracy())


async def test_an_unknown_timeframe_is_refused(jobs: Jobs) -> None:
    assert (await refused(record(jobs, timeframe="1y"))).reason is errors.INVALID_ARGUMENT


_SUMS = "SELECT * FROM accuracy_sums ORDER BY week, timeframe, engine_version, measure"


async def test_the_sums_of_the_migration_are_those_of_each_score(store: Store) -> None:
    """Scores that were stored before the table was are summed as those after."""
    for weeks, value, confidences in (
        (20, 40.0, (62.0, 85.5)),
        (21, 10.0, (68.0, None)),
        (22, 44.0, (30.0, 31.0)),
        (23, 20.0, (100.0, 0.0)),
        (24, 39.5, (None, None)),
    ):
        snapshot = await imported(store, weeks)
        await warmed(store, snapshot, value=value, confidences=confidences, engine_version=str(weeks % 2))
    await imported(store, 29)
    added = await store.execute(_SUMS)
    assert {row["forecasts"] for row in added} >= {1, 2, 3}
    assert len(added) == 20
    await store.execute("DROP TABLE accuracy_sums")
    for statement in _migration().split(";\n"):
        if statement.strip():
            await store.execute(statement.replace("%", "%%"))
    again = await store.execute(_SUMS)
    assert [_rounded(row) for row in again] == [_rounded(row) for row in added]


def _migration() -> str:
    return str(import_module("services.jobs.migrations.versions.0027_accuracy_sums").UP)


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()}


async def test_a_score_is_added_to_the_sums_once(store: Store) -> None:
    await warmed(store, await imported(store, 20), confidences=(70.0, 74.0))
    await store.execute("UPDATE forecast_records SET direction = 'rising' WHERE label = 'termA'")
    await imported(store, 24)
    await imported(store, 25)
    sums = {row["measure"]: row for row in await store.execute(_SUMS)}
    bin_ = sums["confidence-70"]
    assert (bin_["forecasts"], bin_["trials"], bin_["hits"], bin_["said"]) == (1, 2, 1.0, 1.44)
    assert (bin_["trials_squared"], bin_["trials_hits"], bin_["hits_squared"]) == (4.0, 2.0, 1.0)
    assert set(sums) == {
        *("interval-80", "interval-95", "winner", "direction", "mae", "mase", "confidence", "confidence-70")
    }
