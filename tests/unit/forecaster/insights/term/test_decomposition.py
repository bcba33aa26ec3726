"""Trend, season and remainder, and how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from statsmodels.tsa.seasonal import STL

from benchmarks.forecast.exports import ExportedSeries, read_exports
from benchmarks.insights.series import noise
from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.history import Array
from services.forecaster.engine.types import TermSeries
from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.term.decomposition import Components, Method, decompose
from services.forecaster.insights.term.description import describe
from services.forecaster.insights.term.outliers import has_isolated_outliers
from services.forecaster.insights.term.season.season import find_season
from services.forecaster.insights.types import Decomposition
from tests.paths import EXPORTS
from tests.unit.forecaster.engine.series import seasonal, term_series, times_from

TIMEFRAME_OF_PERIOD = {52: "5y", 12: "all", 7: "3m", 24: "7d"}
YEAR = seasonal(52, 52, level=40, swing=15)


def described(values: Sequence[float], timeframe: str) -> Decomposition:
    decomposition = describe(analyse(term_series(values, timeframe)))
    assert decomposition is not None
    return decomposition


def components(values: Array, timeframe: str = "5y") -> Components:
    found = analyse(term_series(values, timeframe)).components
    assert found is not None
    return found


def test_a_known_trend_and_season_are_recovered() -> None:
    values = np.array(YEAR * 5) + np.linspace(0, 40, 260)
    found = decompose(values, 52)
    assert found is not None
    assert np.abs(found.trend + found.seasonal + found.remainder - values).max() < 1e-9
    assert np.abs(found.profile - (np.array(YEAR) - 40)).max() < 1
    assert np.abs(found.trend - np.linspace(40, 80, 260)).max() < 1
    assert min(found.seasonal_strength, found.trend_strength) > 0.99


def test_every_season_is_alike() -> None:
    drawn = noise(np.random.default_rng(1), 260)
    for method in Method:
        found = decompose(50 + 10 * drawn, 52, method)
        assert found is not None
        assert np.abs(found.seasonal - np.resize(found.profile, 260)).max() < 1e-4


@pytest.mark.parametrize(("period", "count"), [(52, 260), (12, 240), (7, 90), (24, 168)])
def test_the_steps_between_estimates_change_the_result_by_less_than_the_noise(period: int, count: int) -> None:
    values = np.array(seasonal(count, period)) + 4 * noise(np.random.default_rng(2), count)
    found = decompose(values, period)
    exact = STL(values, period=period, seasonal=10 * count + 1, seasonal_deg=0).fit(inner_iter=2, outer_iter=0)
    assert found is not None
    assert np.abs(found.seasonal - exact.seasonal).max() < 0.2
    assert np.abs(found.trend - exact.trend).max() < 0.2


@pytest.mark.parametrize("period", TIMEFRAME_OF_PERIOD)
def test_two_seasons_are_needed(period: int) -> None:
    timeframe = TIMEFRAME_OF_PERIOD[period]
    assert describe(analyse(term_series([50.0] * (2 * period - 1), timeframe))) is None
    # The last one is partial.
    assert describe(analyse(term_series([50.0] * (2 * period), timeframe, partial=True))) is None
    assert described([50.0] * (2 * period), timeframe).period == period


def test_a_year_of_weeks_has_no_decomposition_and_no_season() -> None:
    analysis = analyse(term_series(YEAR, "12m"))
    assert (describe(analysis), find_season(analysis, 1.0)) == (None, None)


def test_there_is_a_trend_for_each_date_and_none_for_a_partial_period() -> None:
    decomposition = describe(analyse(term_series([*YEAR * 2, 3.0], "5y", partial=True)))
    assert decomposition is not None
    assert len(decomposition.trend) == 105
    assert [value is None for value in decomposition.trend] == [False] * 104 + [True]
    assert len(decomposition.profile) == decomposition.period == 52


def test_values_have_one_decimal_and_no_negative_zero() -> None:
    decomposition = described(seasonal(240, 12, swing=0.04), "all")
    shown = [*decomposition.profile, *(value for value in decomposition.trend if value is not None)]
    assert shown == [round(value, 1) for value in shown]
    assert not any(str(value) == "-0.0" for value in shown)


@pytest.mark.parametrize(
    "values",
    [
        [0.0] * 260,
        [37.0] * 260,
        [0.1 + 0.2] * 260,
        [0.0] * 130 + [100.0] + [0.0] * 129,
        [50.0] * 3,
        [0.0, 100.0] * 130,
        np.linspace(0, 100, 260),
        [50 + 10 * np.sin(index) for index in range(520)],
        [50 + 10 * np.sin(index) for index in range(5000)],
    ],
    ids=[
        "zeros",
        "constant",
        "constant with rounding",
        "mostly zeros",
        "3 points",
        "alternating",
        "line",
        "520",
        "5000",
    ],
)
@pytest.mark.parametrize("timeframe", ["5y", "all", "3m", "7d"])
def test_every_series_has_an_answer(values: Sequence[float], timeframe: str) -> None:
    start = datetime(1500, 1, 1, tzinfo=UTC)
    analysis = analyse(term_series(values, timeframe, start=start))
    decomposition = describe(analysis)
    find_season(analysis, 1.0)
    if decomposition is not None:
        _check(decomposition)


@pytest.mark.parametrize("value", [0.0, 37.0, 0.1 + 0.2])
@pytest.mark.parametrize("timeframe", ["5y", "all", "3m", "7d"])
def test_a_constant_series_has_no_season(value: float, timeframe: str) -> None:
    assert find_season(analyse(term_series([value] * 260, timeframe)), 1.0) is None


def test_rounding_is_neither_a_season_nor_a_trend() -> None:
    constant = described([0.1 + 0.2] * 240, "all")
    assert (constant.seasonal_strength, constant.trend_strength) == (0.0, 0.0)
    assert set(constant.profile) == {0.0}
    line = described(list(np.linspace(0, 100, 240)), "all")
    assert (line.seasonal_strength, line.trend_strength) == (0.0, 1.0)


def test_an_event_does_not_change_the_profile() -> None:
    values = np.array(YEAR * 5) + 4 * noise(np.random.default_rng(3), 260)
    before = components(values)
    values[130:133] += 45
    after, plain = components(values), decompose(values, 52)
    assert plain is not None
    assert (before.method, after.method) == (Method.PLAIN, Method.ROBUST)
    at = np.arange(130, 133) % 52
    assert (plain.profile - before.profile)[at].min() > 5
    assert np.abs(after.profile - before.profile)[at].max() < 3


def test_a_peak_whose_height_varies_is_not_an_event() -> None:
    values = np.tile(10.0, 240) + noise(np.random.default_rng(3), 240)
    values[11::12] += np.resize([20, 40, 70, 30], 20)
    assert components(values, "all").method is Method.PLAIN
    assert abs(components(values, "all").profile[11] - 40 * 11 / 12) < 2


@pytest.mark.parametrize(
    ("peaks", "isolated"),
    [
        ({}, False),
        ({5: 50.0}, True),
        ({5: 50.0, 20: 50.0}, True),
        ({5: 50.0, 17: 40.0}, False),  # at the same place
        ({5: -50.0}, True),
    ],
)
def test_outliers_are_isolated_where_no_place_has_two(peaks: dict[int, float], *, isolated: bool) -> None:
    remainder = noise(np.random.default_rng(4), 60)
    for index, height in peaks.items():
        remainder[index] += height
    assert has_isolated_outliers(remainder, 12) is isolated


def test_robust_stl_is_not_used_where_a_place_would_have_no_weight() -> None:
    values = np.tile(10.0, 260)
    values[5::52] = [10, 80, 80, 80, 80]
    values[[4, 100]] = 80
    robust = decompose(values, 52, Method.ROBUST)
    assert robust is not None
    assert robust.lowest_weight == 0  # at place 5, whose profile STL then takes from single values
    plain = decompose(values, 52)
    assert plain is not None
    assert has_isolated_outliers(plain.remainder, 52)
    assert components(values).method is Method.PLAIN


def test_robust_stl_is_not_used_where_its_trend_would_pass_by_a_launch() -> None:
    values = 5 + noise(np.random.default_rng(6), 260)
    values[215:] += np.linspace(90, 40, 45)
    plain, robust = decompose(values, 52), decompose(values, 52, Method.ROBUST)
    assert plain is not None
    assert robust is not None
    assert has_isolated_outliers(plain.remainder, 52)
    misses = [float(np.abs(each.remainder[215:]).mean()) for each in (plain, robust)]
    assert misses[1] > 1.2 * misses[0]
    assert components(values).method is Method.PLAIN


@pytest.mark.parametrize("count", [24, 35])
def test_of_two_seasons_neither_is_an_outlier(count: int) -> None:
    remainder = noise(np.random.default_rng(4), count)
    remainder[5] += 50
    assert not has_isolated_outliers(remainder, 12)


@pytest.mark.skipif(not (EXPORTS / "INDEX.csv").exists(), reason="the real exports are not beside the checkout")
def test_the_real_exports_are_decomposed() -> None:
    checked = 0
    for exported in read_exports():
        analysis = analyse(term_series_of(exported))
        find_season(analysis, 1.0)
        decomposition = describe(analysis)
        if decomposition is not None:
            _check(decomposition)
            assert len(decomposition.trend) == len(exported.values)
            checked += 1
    assert checked > 100


def term_series_of(exported: ExportedSeries) -> TermSeries:
    times = times_from(exported.first, TIMEFRAMES[exported.timeframe].step, len(exported.values))
    return TermSeries(exported.term, "termA", exported.timeframe, times, exported.values, True, False, False)


def _check(decomposition: Decomposition) -> None:
    known = [value for value in decomposition.trend if value is not None]
    assert np.isfinite([*known, *decomposition.profile]).all()
    assert 0 <= decomposition.seasonal_strength <= 1
    assert 0 <= decomposition.trend_strength <= 1
