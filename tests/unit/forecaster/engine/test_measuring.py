"""The forecast benchmark: Naive2, scores, cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.forecast.cases import BRIEF_LENGTHS, Case, brief, cuts, export_cases, packaged_cases
from benchmarks.forecast.directions import Outcome, fit_confidence, reliability
from benchmarks.forecast.exports import read_collected
from benchmarks.forecast.m4 import m4_cases, overall
from benchmarks.forecast.naive2 import naive2
from benchmarks.forecast.pairs import brier_scores
from benchmarks.forecast.peers import naive, or_naive, ours
from benchmarks.forecast.scores import Forecast, by_source, interval_score, score
from services.common.comparison import TIMEFRAMES, Step
from services.forecaster.engine.bundle.confidence import calibrated
from tests.unit.forecaster.engine.series import seasonal, wandering


def case(source: str = "one", *, level: float = 0.0, name: str = "12m") -> Case:
    values = np.array(wandering(60)) + level
    return Case(name, source, f"{source}: term", Step.WEEKLY, 52, 1, values[:47], values[47:])


def test_naive2_is_naive_without_a_season() -> None:
    point, deviation = naive2(np.array([10.0, 14.0, 10.0, 14.0]), 52, 4)
    assert point.tolist() == [14.0] * 4
    assert deviation == pytest.approx([4, 4 * np.sqrt(2), 4 * np.sqrt(3), 8])


def test_naive2_repeats_a_season_zeros_or_not() -> None:
    wave = np.array(seasonal(70, 7))
    assert naive2(wave[:56], 7, 14)[0] == pytest.approx(wave[56:], abs=0.5)
    low = np.maximum(wave - 50, 0)
    assert naive2(low[:56], 7, 14)[0] == pytest.approx(low[56:], abs=2)


def test_naive2_needs_three_seasons() -> None:
    week = [10.0] * 6 + [40.0]
    assert naive2(np.array(3 * week), 7, 7)[0] == pytest.approx(week)
    assert naive2(np.array(3 * week)[1:], 7, 7)[0].tolist() == [40.0] * 7


def test_naive2_does_not_take_a_level_shift_for_a_season() -> None:
    hill = np.array([10.0] * 20 + [40.0] * 20 + [10.0] * 20)  # alike after 7 steps, but more so after 1 to 6
    assert naive2(hill, 7, 7)[0].tolist() == [10.0] * 7


def test_naive2_residuals_are_in_units_of_the_phase() -> None:
    phases = np.tile([0.5] * 6 + [4.0], 10)
    for at, missed in ((34, 4 * 2.0), (31, 0.5 * 2.0)):  # a rise by 2, into the large phase or a small one
        values = np.where(np.arange(70) < at, 20.0, 22.0) * phases
        assert naive2(values, 7, 1)[1] == pytest.approx(missed / np.sqrt(69), rel=0.1)


def test_the_interval_score_is_the_width_and_the_penalty_outside() -> None:
    actual, low, high = np.array([5.0, 12.0, -1.0]), np.zeros(3), np.full(3, 10.0)
    assert interval_score(actual, low, high) == pytest.approx(30 + 40 * 2 + 40 * 1)


def test_naive2_scores_one_and_sources_weigh_the_same() -> None:
    cases = [case("one"), case("two", level=3), case("two", level=2)]
    said = [naive(each) for each in cases]
    found = score(cases, said)
    assert (found.mae, found.interval) == pytest.approx((1, 1))
    doubled = [
        Forecast(*(2 * column - each.actual for column in vars(one).values()))
        for each, one in zip(cases, said, strict=True)
    ]
    mixed = score(cases, [doubled[0], said[1], said[2]])
    assert mixed.mae == pytest.approx(np.sqrt(2))  # twice the error in one of two sources
    assert by_source(cases, [doubled[0], said[1], said[2]])["two"].mae == pytest.approx(1)


def test_coverage_has_a_bootstrap_interval_over_sources() -> None:
    cases = [case("one"), case("two")]
    wide = Forecast(*(np.full(13, edge) for edge in (50.0, 0.0, 100.0, 0.0, 100.0)))
    none = Forecast(*(np.full(13, -1.0) for _ in range(5)))
    assert score(cases, [wide, none]).coverage95 == (50.0, 0.0, 100.0)
    assert score(cases, [wide, wide]).coverage80 == (100.0, 100.0, 100.0)


def test_a_method_that_fails_is_replaced_and_counted() -> None:
    def broken(_: Case) -> Forecast:
        raise ArithmeticError

    def silent(each: Case) -> Forecast:
        return Forecast(*(np.full(each.horizon, np.nan) for _ in range(5)))

    one = case()
    for method in (broken, silent):
        made, failed = or_naive(method, one)
        assert failed
        assert made.mean.tolist() == naive(one).mean.tolist()
    assert not or_naive(ours, one)[1]


def test_packaged_cases_are_complete() -> None:
    cases = packaged_cases()
    assert {each.step for each in cases} == set(Step)
    assert len({each.source for each in cases}) >= 5
    for each in cases:
        assert np.isfinite(each.known).all()
        assert np.isfinite(each.actual).all()


def test_tiny_errors_count_as_equal() -> None:
    still = Case("12m", "one", "one: term", Step.WEEKLY, 52, 1, np.zeros(40), np.zeros(13))
    said = Forecast(*(np.full(13, edge) for edge in (0.01, 0.0, 0.02, 0.0, 0.03)))
    found = score([still], [said])
    assert (found.mae, found.interval) == (1, 1)


def test_the_m4_sample_is_complete_and_the_last_value_scores_one() -> None:
    cases = m4_cases()
    assert len(cases) == 49
    for each in cases:
        assert 80 <= len(each.known) <= 520
        assert each.horizon == 13
        assert min(each.known.min(), each.actual.min()) > 0
    last = [Forecast(*[np.full(13, each.known[-1])] * 5) for each in cases]
    owa, mase, smape, msis = overall(cases, last)
    assert owa == pytest.approx(1)
    assert mase == pytest.approx(1.987, abs=5e-4)
    assert smape == pytest.approx(8.13, abs=5e-3)
    assert msis == pytest.approx(40 * mase)  # no width: all of it is what was missed


def test_owa_is_the_mean_of_the_ratios_of_mase_and_smape() -> None:
    known, actual = np.array([10.0, 20.0, 10.0, 20.0]), np.array([30.0, 60.0])
    one = Case("M4", "one", "one", Step.WEEKLY, 52, 1, known, actual, bounded=False)
    said = Forecast(
        *(np.array(edge) for edge in ([30.0, 40.0], [20.0, 30.0], [40.0, 50.0], [10.0, 20.0], [50.0, 60.0]))
    )
    owa, mase, smape, msis = overall([one], [said])
    assert mase == pytest.approx(10 / 10)
    assert smape == pytest.approx(100 * 20 / 100)
    naive_mase, naive_smape = 25 / 10, 100 * (10 / 50 + 40 / 80)
    assert owa == pytest.approx((mase / naive_mase + smape / naive_smape) / 2)
    assert msis == pytest.approx(40 / 10)


def test_collected_series_have_supported_steps_and_are_unique() -> None:
    collected = list(read_collected())
    assert len({(one.source, one.timeframe, one.values) for one in collected}) == len(collected) > 200
    for one in collected:
        assert one.timeframe in TIMEFRAMES
        assert 0 <= min(one.values) < max(one.values) <= 100
    cases = export_cases(2)
    assert not {each.source for each in cases if each.collected} & {each.source for each in cases if not each.collected}


def test_export_cases_exclude_the_last_period_and_never_overlap() -> None:
    cases = export_cases(2)
    assert {each.set for each in cases} == {"12m", "5y", "daily", "monthly"}
    first = {each.series: each for each in cases if each.held_out == 1}
    for each in cases:
        if each.held_out == 2:
            assert len(each.known) + each.horizon == len(first[each.series].known)
    year = cuts([one for one in first.values() if one.set == "5y"][:1])
    assert {len(one.known) + len(one.actual) for one in year} == {51}
    assert {max(one.known.max(), one.actual.max()) for one in year} == {100}
    few = brief(year)
    assert [len(one.known) for one in few] == [*BRIEF_LENGTHS, *BRIEF_LENGTHS][: len(year)]
    assert {max(one.known.max(), one.actual.max()) for one in few} == {100}


def told(count: int, right: int, odds: float, *, name: str = "12m", said: str = "rising") -> list[Outcome]:
    return [Outcome(name, "one", said, odds, 0.0, index < right) for index in range(count)]


def test_confidence_is_fitted_to_how_often_directions_came_true() -> None:
    found = told(400, 320, 2.0) + told(400, 200, 0.0) + told(400, 0, 2.0, said="stable")
    line = fit_confidence(found)
    assert calibrated(2.0, 0.0, line) == pytest.approx(0.8, abs=0.02)
    assert calibrated(0.0, 0.0, line) == pytest.approx(0.5, abs=0.02)


def test_the_reliability_table_counts_rising_and_falling_exports() -> None:
    found = told(4, 3, 0.0) + told(5, 0, 0.0, name="cut") + told(6, 6, 0.0, said="volatile")
    rows = list(reliability([(one, 72.0) for one in found]))[2:]
    assert rows == ["| 70–80 | 4 | 1 | 72 % | 75 % |"]


def test_the_brier_score_is_the_squared_error_of_the_winners_probability_balanced_by_source() -> None:
    def pair(file: str, *columns: tuple[float, float], source: str = "one") -> list[Case]:
        made = replace(case(), source=source)
        return [
            replace(made, series=f"{file}: {level}", known=np.full(47, level), actual=np.full(13, came))
            for level, came in columns
        ]

    even, won = pair("even", (40, 40), (40, 41)), pair("won", (1, 1), (99, 99))
    lost = pair("lost", (1, 2), (99, 1), source="two")
    of_set, of_all = (line.split(" | ") for line in list(brier_scores(even + won + lost))[2:])
    assert of_set[1:] == of_all[1:]
    assert of_set[1:3] == ["2", "3"]
    assert float(of_set[3]) == pytest.approx(((0.25 + 0) / 2 + 1) / 2, abs=0.002)  # intervals are never quite sure
    assert float(of_set[4]) == pytest.approx(((0.25 + 0) / 2 + 1) / 2, abs=0.001)
