"""Every figure of the track record, computed a second time from forecasts and snapshots with numpy and statsmodels.

Nothing of the product's scoring is used: see definitions.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.jobs.application.importer import Importer, ImportRequest
from services.jobs.application.scorer import Scorer
from services.jobs.domain.forecaster import ForecastPoint, GeneratedForecasts, TermForecast
from services.jobs.domain.operations import Actor
from services.jobs.ingest.points import read_points
from tests.integration.jobs.conftest import Store, key_of
from tests.integration.jobs.reports.definitions import Scored, scored_forecasts
from tests.integration.jobs.service import Jobs, serving

HISTORY, HORIZON = 20, 6
STEPS = {  # None: a month
    "7d": timedelta(hours=1),
    "30d": timedelta(days=1),
    "3m": timedelta(days=1),
    "12m": timedelta(weeks=1),
    "5y": timedelta(weeks=1),
    "all": None,
}
WEEKS = 3
DIRECTIONS = ("rising", "falling", "stable", "volatile")
Random = np.random.Generator


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def test_every_figure_is_that_of_the_raw_data(jobs: Jobs) -> None:
    randomness = np.random.default_rng(26)
    for week in range(WEEKS):
        for timeframe in STEPS:
            for number in range(3):
                await _forecast_and_import(jobs.store, randomness, timeframe, f"term {week} {number}")
        await _pass_a_week(jobs.store)
    scored = [each async for each in scored_forecasts(jobs.store)]
    stored = await jobs.store.execute("SELECT count(*) AS count FROM forecast_scores")
    assert stored[0]["count"] == len(scored) > 60
    assert {each.winner for each in scored} == {True, False, None}
    assert any(None in each.mases for each in scored)

    for timeframe in ("", *STEPS):
        for version in ("", "9", "10"):
            found = await jobs.operations.GetTrackRecord(
                pb.GetTrackRecordRequest(timeframe=timeframe, engine_version=version)
            )
            selected = [
                each for each in scored if timeframe in ("", each.timeframe) and version in ("", each.engine_version)
            ]
            _compare(found, selected)
            assert list(found.engine_versions) == ["10", "9"]
    _compare_trust(await jobs.stub.GetTrustStats(jobs_pb2.GetTrustStatsRequest()), scored)


async def _forecast_and_import(store: Store, randomness: Random, timeframe: str, term: str) -> None:
    """Imports a history, stores forecasts of one or two engine versions, and imports the data of their horizon."""
    values = np.clip(randomness.normal(45, 18, (HISTORY + HORIZON + 1, 2)), 0, 90).round()
    kind = randomness.integers(8)
    if kind == 0:
        values[:, 1] = values[:, 0]  # a tie
    elif kind == 1:
        values[:, 0] = 30  # never changes, so that there is no MASE
    elif kind == 2:
        values[: HISTORY // 2] = 0  # dates without a scale
    elif kind == 3:
        values[3:HISTORY] = 0  # too few dates with a scale
    shown = HISTORY - int(randomness.integers(3))
    snapshot = await _imported(store, timeframe, term, values[:shown])
    for version in ("9", "10")[: randomness.integers(1, 3)]:
        assert await store.queue.trigger(key_of(snapshot), force=True)
        result = _result(randomness, version, values[shown : shown + HORIZON], _times(timeframe)[shown:])
        assert await store.queue.ready(await store.claim_one(), result)
    # Google rescales each export, and rounds it.
    await _imported(store, timeframe, term, (values * randomness.uniform(0.4, 1.1)).round())


async def _imported(store: Store, timeframe: str, term: str, values: np.ndarray) -> Any:
    times = _times(timeframe)
    points = [
        (time.strftime("%Y-%m-%dT%H:%M"), (float(a), float(b))) for time, (a, b) in zip(times, values, strict=False)
    ]
    importer = Importer(store.comparisons, Scorer(store.record))
    wanted = ImportRequest(as_of=times[len(values)], source="test", timeframe=timeframe)
    snapshot, _ = await importer.ingest([read_points([term, "costco"], points)], wanted, Actor("Ada"))
    return snapshot


def _times(timeframe: str) -> list[datetime]:
    """The starts of periods."""
    step, numbers = STEPS[timeframe], range(HISTORY + HORIZON + 2)
    if step is None:
        return [datetime(2020 + number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in numbers]
    return [datetime(2024, 1, 7, tzinfo=UTC) + number * step for number in numbers]


def _result(randomness: Random, version: str, actual: np.ndarray, times: list[datetime]) -> GeneratedForecasts:
    """Forecasts near the actual values, with intervals that are often too narrow."""

    def term(name: str, values: np.ndarray) -> TermForecast:
        middle = np.clip(values + randomness.normal(0, 8) + randomness.normal(0, 5, HORIZON), 0, 100).round(4)
        points = tuple(
            ForecastPoint(
                times[number],
                value,
                *(round(min(max(value + reach, 0), 100), 4) for reach in (-9, 9, -16, 16)),
            )
            for number, value in enumerate(middle.tolist())
        )
        confidence = None if randomness.random() < 0.2 else round(randomness.uniform(20, 100), 1)
        return TermForecast(name, randomness.bytes(8).hex(), str(randomness.choice(DIRECTIONS)), points, confidence)

    return GeneratedForecasts(version, times[0], False, term("a", actual[:, 0]), term("b", actual[:, 1]))


async def _pass_a_week(store: Store) -> None:
    """Moves what was scored back by a week."""
    await store.execute("UPDATE forecast_scores SET scored_at = scored_at - interval '7 days'")
    # In two steps, since rows of two weeks may not be equal in between.
    for days in (-70_000, 70_000 - 7):
        await store.execute(f"UPDATE accuracy_sums SET week = week + {days}")
        await store.execute(f"UPDATE forecast_score_sums SET day = day + {days} WHERE day > '-infinity'")


def _compare(found: pb.GetTrackRecordResponse, scored: list[Scored]) -> None:
    _compare_accuracy(found.total, scored)
    assert [each.timeframe for each in found.by_timeframe] == [
        name for name in STEPS if any(each.timeframe == name for each in scored)
    ]
    for of in found.by_timeframe:
        _compare_accuracy(of.accuracy, [each for each in scored if each.timeframe == of.timeframe])
    assert [each.week for each in found.weeks] == [str(week) for week in sorted({each.week for each in scored})]
    for week in found.weeks:
        those = [each for each in scored if str(each.week) == week.week]
        _compare_accuracy(week.total, those)
        for of in week.by_timeframe:
            _compare_accuracy(of.accuracy, [each for each in those if each.timeframe == of.timeframe])


def _compare_accuracy(found: pb.Accuracy, scored: list[Scored]) -> None:
    assert found.forecasts == len(scored)
    _compare_share(found.interval80, [(each.inside80, each.values, 0.8 * each.values) for each in scored])
    _compare_share(found.interval95, [(each.inside95, each.values, 0.95 * each.values) for each in scored])
    _compare_share(found.winner, [(int(each.winner), 1, 0) for each in scored if each.winner is not None])
    _compare_share(found.direction, [(sum(each.directions), 2, 0) for each in scored])
    _compare_share(found.confidence, list(_sure(scored, 0, 101)))
    bins = {0: 50, 50: 60, 60: 70, 70: 80, 80: 90, 90: 101}
    by_bin = {start: list(_sure(scored, start, end)) for start, end in bins.items()}
    assert [each.from_percent for each in found.confidence_bins] == [start for start, of in by_bin.items() if of]
    for each in found.confidence_bins:
        _compare_share(each.share, by_bin[each.from_percent])
    for name, values in (("mae", [mae for each in scored for mae in each.maes]), ("mase", _mases(scored))):
        assert (getattr(found, name) if values else None) == (
            pytest.approx(np.mean(values), abs=1e-4) if values else None
        )


def _sure(scored: list[Scored], start: float, end: float) -> Iterator[tuple[int, int, float]]:
    for each in scored:
        pairs = [
            (right, confidence)
            for right, confidence in zip(each.directions, each.confidences, strict=True)
            if confidence is not None and start <= confidence < end
        ]
        if pairs:
            yield sum(right for right, _ in pairs), len(pairs), sum(confidence for _, confidence in pairs) / 100


def _mases(scored: list[Scored]) -> list[float]:
    return [mase for each in scored for mase in each.mases if mase is not None]


def _compare_share(found: pb.Share, forecasts: list[tuple[int, int, float]]) -> None:
    """`forecasts`: hits, trials and the sum of probabilities of each."""
    if not forecasts:
        assert found == pb.Share()
        return
    hits, trials, said = np.array(forecasts).T
    share = hits.sum() / trials.sum()
    assert (found.count, found.forecasts) == (trials.sum(), len(forecasts))
    assert found.came == pytest.approx(share, abs=1e-4)
    assert found.said == pytest.approx(said.sum() / trials.sum(), abs=1e-4)
    together = (trials**2).sum() / trials.sum()
    measured = together
    if len(forecasts) > 1 and 0 < share < 1:
        variance = np.var(hits - share * trials, ddof=1) * len(forecasts) / trials.sum() ** 2
        measured = np.clip(variance / (share * (1 - share) / trials.sum()), 1, together)
    effect = np.average([measured, together], weights=[len(forecasts), 4])
    independent = trials.sum() / effect
    low, high = proportion_confint(share * independent, independent, method="wilson")
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


def _compare_trust(found: jobs_pb2.GetTrustStatsResponse, scored: list[Scored]) -> None:
    for period in (found.total, found.last_90_days):
        for name, stats in (("", period.overall), *((each.timeframe, each.stats) for each in period.timeframes)):
            those = [each for each in scored if name in ("", each.timeframe)]
            winners = [each.winner for each in those if each.winner is not None]
            values = sum(each.values for each in those)
            assert (stats.forecasts, stats.points) == (len(those), values)
            assert stats.winner_right == pytest.approx(np.mean(winners), abs=1e-4)
            assert stats.direction_right == pytest.approx(np.mean([each.directions for each in those]), abs=1e-4)
            assert stats.coverage80 == pytest.approx(sum(each.inside80 for each in those) / values, abs=1e-4)
            assert stats.coverage95 == pytest.approx(sum(each.inside95 for each in those) / values, abs=1e-4)
            assert stats.mae == pytest.approx(np.mean([each.maes for each in those]), abs=1e-4)
            assert stats.mase == pytest.approx(np.mean(_mases(those)), abs=1e-4)
