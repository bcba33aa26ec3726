"""The engine's scales."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.forecaster.engine.scale import BOUNDED, Scale


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_conversions_are_inverse(values: list[float]) -> None:
    points = np.array(values)
    assert BOUNDED.from_log(BOUNDED.to_log(points)) == pytest.approx(points, abs=1e-9)
    assert BOUNDED.from_logit(BOUNDED.to_logit(points)) == pytest.approx(points, abs=1e-9)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30))
def test_results_stay_within_the_bounds(values: list[float]) -> None:
    for back in (BOUNDED.from_log, BOUNDED.from_logit):
        points = back(np.array(values))
        assert points.min() >= 0
        assert points.max() <= 100


def test_near_the_upper_bound_intervals_reach_further_down() -> None:
    low, high = BOUNDED.from_logit(BOUNDED.to_logit(np.array([90.0])) + np.array([-0.3, 0.3]))
    assert 90 - low > high - 90
    assert high < 100


@pytest.mark.parametrize("values", [[5000.0, 80.0, 0.0], [3.0, -8.0, 2.0], [0.0, 0.0], [1e-9, 2e-9]])
def test_unbounded_values_keep_magnitude_and_sign(values: list[float]) -> None:
    points = np.array(values)
    scale = Scale.unbounded(points)
    assert scale.from_log(scale.to_log(points)) == pytest.approx(points)
    assert scale.from_logit(scale.to_logit(3 * points)) == pytest.approx(3 * points)


def test_unbounded_intervals_are_linear_above_the_largest_value() -> None:
    scale = Scale.unbounded(np.array([7.0, 200.0]))
    odds = scale.to_logit(np.array([50.0, 100.0, 200.0, 300.0, 400.0, 500.0]))
    assert np.diff(odds[2:]) == pytest.approx([1 / 1.02 / 2] * 3)
    assert odds[1] - odds[0] == pytest.approx(np.log(52 / 27))
    assert (np.diff(odds) > 0).all()


def test_unbounded_is_the_same_in_any_unit() -> None:
    points = np.array([50.0, 80.0, 20.0])
    assert Scale.unbounded(1e6 * points).to_log(1e6 * points) == pytest.approx(Scale.unbounded(points).to_log(points))
