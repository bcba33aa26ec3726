"""Rolling origins, the choice between models, and what is measured."""

from __future__ import annotations

import numpy as np
import pytest

from services.forecaster.engine.backtest import MAX_WINDOWS, MIN_KNOWN, Backtest, choose_origins, run_backtest
from services.forecaster.engine.history import Array
from services.forecaster.engine.metrics import measure
from services.forecaster.engine.models import Model, ModelFailed, naive
from services.forecaster.engine.selection import choose_model
from tests.unit.engine.series import wandering

WALK = np.array(wandering(60))


@pytest.mark.parametrize("points", range(3, 300, 7))
@pytest.mark.parametrize("horizon", [12, 26, 48])
def test_windows_end_with_the_series_and_never_look_ahead(points: int, horizon: int) -> None:
    origins, length = choose_origins(points, horizon)
    if points <= MIN_KNOWN:
        assert (origins, length) == ((), 0)
        return
    assert 1 <= length <= horizon
    assert 1 <= len(origins) <= MAX_WINDOWS
    assert len(set(origins)) == len(origins)
    assert origins[0] >= MIN_KNOWN
    assert origins[-1] + length == points


def test_a_model_sees_only_what_was_known() -> None:
    seen = []

    def watching(known: Array, season: int, steps: int) -> Array:
        seen.append(len(known))
        return np.full(steps, 1000.0)

    backtest = run_backtest(watching, WALK, 1, 13)
    assert tuple(seen) == backtest.origins
    assert (backtest.forecasts == 100).all()  # cut as the real forecast is
    for row, origin in enumerate(backtest.origins):
        assert backtest.actuals[row].tolist() == WALK[origin : origin + 13].tolist()


def oracle(known: Array, season: int, steps: int) -> Array:
    return WALK[len(known) : len(known) + steps] if len(known) < len(WALK) else np.full(steps, known[-1])


def failing(known: Array, season: int, steps: int) -> Array:
    raise ModelFailed("never fits")


def late_failing(known: Array, season: int, steps: int) -> Array:
    if len(known) < 35:
        raise ModelFailed("not enough")
    return oracle(known, season, steps)


def endless(known: Array, season: int, steps: int) -> Array:
    return np.full(steps, np.inf)


def off_by(points: float) -> Model:
    def model(known: Array, season: int, steps: int) -> Array:
        return oracle(known, season, steps) + points

    return model


def choice_among(**models: Model) -> str:
    return choose_model(WALK, 1, 13, models, steps=13).method


def test_a_clearly_better_model_is_chosen() -> None:
    assert choice_among(oracle=oracle) == "oracle"
    assert choice_among(oracle=oracle, poor=off_by(20)) == "oracle"


def test_alike_models_are_combined() -> None:
    chosen = choose_model(WALK, 1, 13, {"above": off_by(1), "below": off_by(-1)}, steps=13)
    assert chosen.method == "combination"
    assert chosen.backtest.errors == pytest.approx(0)
    assert chosen.model(WALK, 1, 5).tolist() == [WALK[-1]] * 5


def test_naive_wins_ties_and_against_models_that_fail() -> None:
    assert choice_among(same=naive) == "naive"
    assert choice_among(failing=failing, late=late_failing, endless=endless) == "naive"


def test_a_failing_model_does_not_take_the_others_along() -> None:
    assert choice_among(failing=failing, oracle=oracle, late=late_failing) == "oracle"


def test_naive_is_kept_where_history_is_short() -> None:
    assert choose_model(WALK[:10], 1, 13, {"oracle": oracle}, steps=13).method == "naive"


def test_metrics_are_those_of_the_windows() -> None:
    actuals = np.array([[10.0, 20.0], [20.0, 40.0], [0.0, 0.0]])
    forecasts = np.array([[10.0, 10.0], [20.0, 20.0], [0.0, 0.0]])
    backtest = Backtest((10, 11, 12), forecasts, actuals, naive_scales=np.array([5.0, 10.0, 0.0]))
    metrics = measure(backtest, np.array([10.0] * 14))
    assert metrics.mae == pytest.approx(30 / 6)
    assert metrics.mase == pytest.approx((5 / 5 + 10 / 10) / 2)  # the third window had nothing to divide by
    assert metrics.smape == pytest.approx(100 * (2 * 10 / 30 + 2 * 20 / 60) / 6)
    assert metrics.windows == 3


def test_coverage_counts_what_lies_inside_the_others_intervals() -> None:
    errors = np.zeros((5, 4))
    errors[0] = 50  # one window went wrong, which the intervals of the four others could not know
    backtest = Backtest((20, 21, 22, 23, 24), np.full((5, 4), 30.0), 30 + errors, naive_scales=np.ones(5))
    metrics = measure(backtest, np.full(28, 30.0))
    assert metrics.coverage80 == pytest.approx(4 / 5)
    assert metrics.coverage95 == pytest.approx(4 / 5)


def test_nothing_is_guessed_without_windows() -> None:
    metrics = measure(run_backtest(naive, WALK[:5], 1, 13), WALK[:5])
    assert (metrics.mae, metrics.mase, metrics.smape, metrics.coverage80, metrics.coverage95) == (None,) * 5
    assert metrics.windows == 0


def test_coverage_needs_three_windows() -> None:
    backtest = run_backtest(naive, WALK[:10], 1, 1)
    assert backtest.windows == 2
    metrics = measure(backtest, WALK[:10])
    assert metrics.mae is not None
    assert metrics.coverage80 is None
