"""Scales from backtest errors, and the order of the bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.forecaster.engine.intervals import MIN_SCALE, MULTIPLES, error_scales, make_bands
from tests.unit.engine.series import wandering

WALK = np.array(wandering(60))


def test_scales_grow_with_the_step_and_with_the_errors() -> None:
    errors = np.outer(np.ones(10), np.arange(1.0, 14.0))
    scales = error_scales(errors, WALK, 13)
    assert (np.diff(scales) >= 0).all()
    assert (error_scales(3 * errors, WALK, 13) > scales).all()


def test_errors_that_shrink_with_the_step_give_level_scales() -> None:
    errors = np.outer(np.ones(2000), np.arange(13.0, 0.0, -1.0))
    scales = error_scales(errors, np.full(20, 40.0), 13)
    assert np.ptp(scales) == pytest.approx(0, abs=1e-6)
    assert scales[0] == pytest.approx(np.sqrt(np.mean(np.arange(1.0, 14.0) ** 2)), rel=0.01)


def test_many_windows_overrule_the_prior_and_few_do_not() -> None:
    calm = np.full((1000, 13), 5.0)
    assert error_scales(calm, 10 * WALK / 95, 13)[-1] == pytest.approx(5, rel=0.05)
    assert error_scales(calm[:1], WALK, 13)[-1] > 7


def test_without_windows_a_random_walk_within_the_series_spread_stands_in() -> None:
    none = np.empty((0, 0))
    change = np.sqrt(np.mean(np.diff(WALK) ** 2))
    assert error_scales(none, WALK, 2) == pytest.approx([change, change * np.sqrt(2)])
    assert error_scales(none, WALK, 1000)[-1] == pytest.approx(np.sqrt(2 * np.var(WALK)))


def test_a_constant_series_keeps_the_smallest_scale() -> None:
    assert error_scales(np.zeros((12, 13)), np.full(50, 40.0), 13).tolist() == [MIN_SCALE] * 13


def test_bands_are_the_multiples_of_the_scale() -> None:
    bands = make_bands(np.array([50.0]), np.array([4.0]))
    assert bands.upper80[0] == pytest.approx(50 + 4 * MULTIPLES[80])
    assert bands.lower95[0] == pytest.approx(50 - 4 * MULTIPLES[95])


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6)), min_size=1, max_size=30))
def test_bands_are_nested_and_inside_the_range(rows: list[tuple[float, float]]) -> None:
    bands = make_bands(np.array([value for value, _ in rows]), np.array([scale for _, scale in rows]))
    ladder = np.stack([bands.lower95, bands.lower80, bands.value, bands.upper80, bands.upper95])
    assert (np.diff(ladder, axis=0) >= 0).all()
    assert ladder.min() >= 0
    assert ladder.max() <= 100
