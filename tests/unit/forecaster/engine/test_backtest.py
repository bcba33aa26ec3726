"""Rolling origins, predictions and metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.common.comparison import Step
from services.forecaster.engine.bundle.backtest_metrics import measure
from services.forecaster.engine.intervals.learned import SHORT, SpreadMultipliers
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.backtest import MAX_WINDOWS, MIN_KNOWN, Backtest, choose_origins
from services.forecaster.engine.points.prediction import Prediction, predict
from services.forecaster.engine.types import EngineSetting
from tests.unit.forecaster.engine.series import wandering

WALK = np.array(wandering(60))
WEEKS = PERIODICITIES[Step.WEEKLY]


@pytest.mark.parametrize("points", range(3, 300, 7))
@pytest.mark.parametrize("horizon", [12, 26, 48])
def test_windows_end_with_the_series_and_use_no_later_values(points: int, horizon: int) -> None:
    origins, length = choose_origins(points, horizon)
    if points <= MIN_KNOWN:
        assert (origins, length) == ((), 0)
        return
    assert 1 <= length <= horizon
    assert 1 <= len(origins) <= MAX_WINDOWS
    assert len(set(origins)) == len(origins)
    assert origins[0] >= MIN_KNOWN
    assert origins[-1] + length == points


def predicted(points: int, setting: EngineSetting = EngineSetting.FULL) -> Prediction:
    return predict(WALK[:points], WEEKS, 13, steps=13, setting=setting)


def test_windows_hold_actual_values_and_forecasts() -> None:
    backtest = predicted(60).backtest
    for row, origin in enumerate(backtest.origins):
        assert backtest.actuals[row].tolist() == WALK[origin : origin + 13].tolist()
        assert backtest.forecasts[row].min() >= WALK[:origin].min() - 5
        assert backtest.forecasts[row].max() <= WALK[:origin].max() + 5
    assert backtest.errors.tolist() == (backtest.actuals - backtest.forecasts).tolist()


def test_without_leaves_one_window_out() -> None:
    backtest = predicted(60).backtest
    rest = backtest.without(2)
    assert rest.windows == backtest.windows - 1
    assert rest.origins == backtest.origins[:2] + backtest.origins[3:]
    assert rest.errors.tolist() == np.delete(backtest.errors, 2, axis=0).tolist()


def test_naive_is_the_last_value_and_the_method_of_short_series() -> None:
    for points, made in ((60, predicted(60, EngineSetting.NAIVE)), (7, predicted(7))):
        assert made.method == "naive"
        assert made.path.tolist() == [WALK[points - 1]] * 13
    assert predicted(8).method == predicted(60).method == "combination"


def test_the_backtest_has_disagreement_and_naive_has_none() -> None:
    backtest = predicted(60).backtest
    assert backtest.disagreements.shape == backtest.forecasts.shape
    assert (backtest.disagreements > 0).all()
    assert not predicted(60, EngineSetting.NAIVE).backtest.disagreements.any()


def test_a_spike_at_the_end_is_not_the_forecast() -> None:
    values = np.concatenate((np.full(50, 20.0) + WALK[:50] / 50, [95.0]))
    path = predict(values, WEEKS, 13, steps=13).path
    assert path.max() < 60


def test_metrics_are_those_of_the_windows() -> None:
    actuals = np.array([[10.0, 20.0], [20.0, 40.0], [0.0, 0.0]])
    forecasts = np.array([[10.0, 10.0], [20.0, 20.0], [0.0, 0.0]])
    backtest = Backtest((10, 11, 12), forecasts, actuals, np.zeros((3, 2)), naive_scales=np.array([5.0, 10.0, 0.0]))
    metrics = measure(backtest, np.array([10.0] * 14), SHORT)
    assert metrics.mae == pytest.approx(30 / 6)
    assert metrics.mase == pytest.approx((5 / 5 + 10 / 10) / 2)  # the third window had nothing to divide by
    assert metrics.smape == pytest.approx(100 * (2 * 10 / 30 + 2 * 20 / 60) / 6)
    assert metrics.windows == 3


def test_coverage_is_measured_with_intervals_of_the_other_windows() -> None:
    errors = np.zeros((5, 4))
    errors[0] = 50  # one window went wrong, which the intervals of the four others could not know
    backtest = Backtest(
        tuple(range(20, 25)), np.full((5, 4), 30.0), 30 + errors, np.zeros((5, 4)), naive_scales=np.ones(5)
    )
    metrics = measure(backtest, np.full(28, 30.0), SHORT)
    assert metrics.coverage80 == pytest.approx(4 / 5)
    assert metrics.coverage95 == pytest.approx(4 / 5)
    doubtful = replace(
        backtest, disagreements=np.full((5, 4), 20.0)
    )  # had its members disagreed, it would have been in
    assert measure(doubtful, np.full(28, 30.0), SHORT).coverage95 == 1


def test_a_window_does_not_widen_the_interval_that_it_is_compared_with() -> None:
    values = np.array([30.0] * 24 + [80.0] * 2)
    calm, jump = [30.0, 30.0], [80.0, 80.0]
    backtest = Backtest(
        (20, 22, 24), np.full((3, 2), 30.0), np.array([calm, calm, jump]), np.zeros((3, 2)), naive_scales=np.ones(3)
    )
    # Only the residuals and the recent deviation widen intervals here, and both are 0 before the jump.
    multipliers = SpreadMultipliers((3.0,) * 4, (0.0,) * 4, disagreement=0, recent_deviation=1, point=0, event=0)
    metrics = measure(backtest, values, multipliers)
    assert (metrics.coverage80, metrics.coverage95) == pytest.approx((2 / 3, 2 / 3))


def test_metrics_are_none_without_windows() -> None:
    metrics = measure(predicted(5).backtest, WALK[:5], SHORT)
    assert (metrics.mae, metrics.mase, metrics.smape, metrics.coverage80, metrics.coverage95) == (None,) * 5
    assert metrics.windows == 0


def test_coverage_needs_three_windows() -> None:
    backtest = predict(WALK[:10], WEEKS, 1, steps=1).backtest
    assert backtest.windows == 2
    metrics = measure(backtest, WALK[:10], SHORT)
    assert metrics.mae is not None
    assert metrics.coverage80 is None
