"""Spreads from backtest errors, and the order of the intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.comparison import Step
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals import learned
from services.forecaster.engine.intervals.learned import SpreadMultipliers
from services.forecaster.engine.intervals.prediction_intervals import (
    Spread,
    choose_multipliers,
    forecast_spread,
    make_intervals,
    point_width,
    recent_deviation,
    residual_spread,
    small_sample_factor,
)
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.prediction import predict
from services.forecaster.engine.scale import BOUNDED, Scale
from services.forecaster.engine.types import EngineSetting
from tests.unit.forecaster.engine.series import wandering

WALK = np.array(wandering(60)) / 50
PATH = np.full(13, 50.0)


def test_residual_spread_grows_with_the_step_and_the_errors() -> None:
    errors = np.outer(np.ones(10), np.arange(1.0, 14.0))
    own = residual_spread(errors, WALK, PATH)
    assert (np.diff(own) >= 0).all()
    assert (residual_spread(3 * errors, WALK, PATH) > own).all()


def test_residual_spread_is_level_if_errors_shrink_with_the_step() -> None:
    errors = np.outer(np.ones(2000), np.arange(13.0, 0.0, -1.0))
    own = residual_spread(errors, np.full(20, 4.0), PATH)
    assert np.ptp(own) == pytest.approx(0, abs=1e-6)
    assert own[0] == pytest.approx(np.sqrt(np.mean(np.arange(1.0, 14.0) ** 2)), rel=0.01)


def test_residual_spread_is_level_beyond_the_measured_steps() -> None:
    own = residual_spread(np.outer(np.ones(2000), np.array([1.0, 2.0, 3.0])), np.full(20, 4.0), PATH)
    assert own[0] < own[1] < own[2]
    assert own[2:] == pytest.approx([own[2]] * 11)


def test_many_windows_overrule_the_prior_and_few_do_not() -> None:
    calm = np.full((1000, 13), 0.01)
    assert residual_spread(calm, WALK, PATH)[-1] == pytest.approx(0.01, rel=0.5)
    assert residual_spread(calm[:1], WALK, PATH)[-1] > 0.1


def test_without_windows_the_prior_is_a_random_walk_within_the_series_variance() -> None:
    none = np.empty((0, 0))
    change = np.sqrt(np.mean(np.diff(WALK) ** 2))
    assert residual_spread(none, WALK, PATH[:2]) == pytest.approx([change, change * np.sqrt(2)])
    assert residual_spread(none, WALK, np.ones(1000))[-1] == pytest.approx(np.sqrt(2 * np.var(WALK)))


def test_a_point_is_wider_near_zero_than_in_the_middle() -> None:
    assert point_width(np.full(5, 1.0)) > 5 * point_width(np.full(5, 50.0)) > 0


def test_a_point_is_measured_at_the_mean_of_the_path() -> None:
    # The logit of 50 is log(52 / 80); its derivative is 1/52 + 1/80 per point.
    assert point_width(np.full(5, 50.0)) == pytest.approx(1 / 52 + 1 / 80, rel=1e-3)
    assert point_width(np.array([10.0, 50.0, 90.0])) == point_width(np.array([50.0]))


def test_a_constant_series_has_intervals_wider_than_a_point() -> None:
    values = np.full(60, 40.0)
    made = predict(values, PERIODICITIES[Step.WEEKLY], 13, steps=13)
    spread = forecast_spread(made.backtest, values, made.path, made.disagreement, learned.SHORT)
    intervals = make_intervals(made.path, spread)
    assert intervals.value == pytest.approx(40)
    assert (intervals.upper80 > 41).all()
    assert (intervals.lower95 < intervals.lower80).all()


def test_disagreement_widens_an_interval() -> None:
    values = np.array(wandering(60))
    made = predict(values, PERIODICITIES[Step.WEEKLY], 13, steps=13)
    for multipliers in (learned.SHORT, learned.LONG, learned.UNBOUNDED):
        agreed, doubtful = (
            forecast_spread(made.backtest, values, made.path, factor * made.disagreement, multipliers)
            for factor in (0, 2)
        )
        assert (doubtful.steps > agreed.steps).all()
    assert not predict(values, PERIODICITIES[Step.WEEKLY], 13, steps=13, setting=EngineSetting.NAIVE).disagreement.any()


def test_recent_deviation_is_the_mean_distance_of_eight_values_from_the_last() -> None:
    odds = np.array([9.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 2.0])
    assert recent_deviation(odds) == pytest.approx(7 / 8)
    assert recent_deviation(odds[-2:]) == pytest.approx(1 / 2)
    assert recent_deviation(odds[:1]) == 0


def test_a_volatile_short_series_has_wide_intervals() -> None:
    weeks = PERIODICITIES[Step.WEEKLY]
    widths = []
    for values in (np.full(5, 40.0), np.array([35.0, 44.0, 38.0, 43.0, 40.0]), np.array([10.0, 70.0, 5.0, 60.0, 40.0])):
        made = predict(values, weeks, 13, steps=13)
        spread = forecast_spread(made.backtest, values, made.path, made.disagreement, learned.SHORT)
        intervals = make_intervals(made.path, spread)
        widths.append(float(np.mean(intervals.upper95 - intervals.lower95)))
    assert widths == sorted(widths)
    assert widths[2] > 1.5 * widths[0] > 0


def test_a_spread_is_the_sum_of_its_parts() -> None:
    values = np.array(wandering(60))
    made = predict(values, PERIODICITIES[Step.WEEKLY], 13, steps=13)
    restless, point = recent_deviation(BOUNDED.to_logit(values)), point_width(made.path)
    one, none = (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0)

    def steps(disagreement: float, of_unrest: float, of_a_point: float, event: float) -> Array:
        multipliers = SpreadMultipliers(one, none, disagreement, of_unrest, of_a_point, event)
        return forecast_spread(
            made.backtest, values, made.path, made.disagreement, multipliers
        ).steps / small_sample_factor(60)

    own = steps(0, 0, 0, 0)
    assert steps(2, 0, 0, 0) - own == pytest.approx(2 * made.disagreement)
    assert steps(0, 2, 0, 0) - own == pytest.approx([2 * restless] * 13)
    assert steps(0, 0, 2, 0) - own == pytest.approx([2 * point] * 13)
    assert steps(0, 0, 0, 2) - own == pytest.approx([2.0] * 13)
    assert min(own.min(), made.disagreement.min(), restless, point) > 0


def test_fewer_known_values_widen_an_interval() -> None:
    def steps(known: int) -> Array:
        values = np.full(known, 40.0)
        made = predict(values, PERIODICITIES[Step.WEEKLY], 13, steps=13)
        return forecast_spread(made.backtest, values, made.path, made.disagreement, learned.SHORT).steps

    assert steps(4) == pytest.approx(2 / 1.1 * steps(40))
    assert small_sample_factor(520) == pytest.approx(1, abs=0.01)


def test_intervals_grow_with_the_learned_power_of_the_step() -> None:
    multipliers = SpreadMultipliers(
        (1.0,) * 4, (0.5, 0.5, 1.0, 1.0), disagreement=0, recent_deviation=0, point=0, event=0
    )
    intervals = make_intervals(
        np.full(4, 50.0), Spread(np.full(4, 0.001), multipliers)
    )  # too narrow to be affected by the bounds
    below, above = 50 - intervals.lower95, intervals.upper80 - 50
    assert below / below[0] == pytest.approx(np.sqrt([1, 2, 3, 4]), rel=0.01)
    assert above / above[0] == pytest.approx([1, 2, 3, 4], rel=0.01)


def test_intervals_reach_further_up_than_down() -> None:
    intervals = make_intervals(np.array([30.0]), Spread(np.array([2.0]), learned.SHORT))
    assert intervals.upper95[0] - 30 > 2 * (30 - intervals.lower95[0])


def test_multipliers_depend_on_the_kind_of_series() -> None:
    weeks, months, days = (PERIODICITIES[step] for step in (Step.WEEKLY, Step.MONTHLY, Step.DAILY))
    assert choose_multipliers(Step.WEEKLY, weeks, 52) is choose_multipliers(Step.WEEKLY, weeks, 103) is learned.SHORT
    assert choose_multipliers(Step.WEEKLY, weeks, 104) is choose_multipliers(Step.MONTHLY, months, 24) is learned.LONG
    assert choose_multipliers(Step.MONTHLY, months, 23) is choose_multipliers(Step.DAILY, days, 90) is learned.SHORT
    assert choose_multipliers(Step.WEEKLY, weeks, 260, Scale(bounded=False)) is learned.UNBOUNDED


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6)), min_size=1, max_size=30))
def test_intervals_are_nested_and_inside_the_bounds(rows: list[tuple[float, float]]) -> None:
    value, spread = np.array([value for value, _ in rows]), np.array([spread for _, spread in rows])
    for multipliers in (learned.SHORT, learned.LONG):
        intervals = make_intervals(value, Spread(spread, multipliers))
        ladder = np.stack([intervals.lower95, intervals.lower80, intervals.value, intervals.upper80, intervals.upper95])
        assert (np.diff(ladder, axis=0) >= 0).all()
        assert ladder.min() >= 0
        assert ladder.max() <= 100
    assert (intervals.value == BOUNDED.clip(value)).all()
