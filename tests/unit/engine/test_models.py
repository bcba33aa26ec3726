"""Each model's rule, on series where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from services.forecaster.engine.models import (
    ModelFailed,
    candidates,
    damped_ets,
    naive,
    naive_seasonally_adjusted,
    seasonal_naive,
    theta,
)
from services.forecaster.engine.seasonality import find_season
from services.forecaster.engine.types import EngineSetting
from tests.unit.engine.series import seasonal, wandering


def test_naive_repeats_the_last_value() -> None:
    assert naive(np.array([1.0, 2, 7]), 1, 3).tolist() == [7, 7, 7]


def test_seasonal_naive_repeats_the_last_season() -> None:
    assert seasonal_naive(np.array([9.0, 1, 2, 3]), 3, 5).tolist() == [1, 2, 3, 1, 2]


def test_seasonal_naive_needs_a_season() -> None:
    with pytest.raises(ModelFailed):
        seasonal_naive(np.array([1.0, 2]), 3, 1)


def test_a_season_is_found_and_restored() -> None:
    values = np.array(seasonal(70, 7))
    season = find_season(values, 7)
    rest = season.remove(values)
    assert np.ptp(rest) < 0.1 * np.ptp(values)
    assert season.restore(rest, 0) == pytest.approx(values)


def test_no_season_is_found_in_a_walk_or_in_less_than_two_seasons() -> None:
    walk = np.array(wandering(200))
    assert find_season(walk, 52).profile.tolist() == [0.0]
    assert find_season(np.array(seasonal(104, 52)), 52).profile.tolist() == [0.0]


@pytest.mark.parametrize("model", [naive_seasonally_adjusted, damped_ets, theta])
def test_adjusted_models_continue_a_season(model: object) -> None:
    values = np.array(seasonal(84, 7)) + np.array(wandering(84)) / 20
    assert callable(model)
    assert model(values[:70], 7, 14) == pytest.approx(values[70:], abs=6)


def test_damped_ets_follows_a_trend_and_slows_down() -> None:
    values = np.arange(10.0, 40.0) + np.array(wandering(30)) / 50
    path = damped_ets(values, 1, 12)
    steps = np.diff(path)
    assert path[0] > values[-1]
    assert (steps > 0).all()
    assert steps[-1] <= steps[0]


def test_theta_goes_on_with_half_the_trend() -> None:
    values = np.arange(10.0, 40.0) + np.array(wandering(30)) / 50
    assert np.diff(theta(values, 1, 12)).mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("model", [damped_ets, theta])
@pytest.mark.parametrize("values", [[5.0] * 40, [0.0] * 40, [1.0, 2.0, 3.0]])
def test_a_fit_with_nothing_to_fit_says_so(model: object, values: list[float]) -> None:
    assert callable(model)
    with pytest.raises(ModelFailed):
        model(np.array(values), 1, 3)


def test_the_naive_setting_has_no_other_candidates() -> None:
    assert not candidates(EngineSetting.NAIVE)
    assert list(candidates(EngineSetting.FULL)) == [
        "seasonal_naive",
        "naive_seasonally_adjusted",
        "damped_ets",
        "theta",
    ]
