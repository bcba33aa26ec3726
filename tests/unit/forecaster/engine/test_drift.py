"""The drift of a series: accepted where earlier slopes predicted later values."""

from __future__ import annotations

import numpy as np
import pytest

from services.common.comparison import Step
from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.drift import DAMPING, follow_drift

WEEKS = PERIODICITIES[Step.WEEKLY]
FLAT = np.zeros((1, 26))


def with_noise(values: Array) -> Array:
    """`values` with noise."""
    return values + 0.02 * np.random.default_rng(0).standard_normal(len(values))


def test_a_slope_that_predicted_later_values_is_followed_and_damped() -> None:
    values = with_noise(0.05 * np.arange(60.0))
    [path] = follow_drift(FLAT, values, WEEKS, [60])
    assert path[0] == 0
    assert np.diff(path)[:3] == pytest.approx(0.05 * DAMPING ** np.arange(2, 5), rel=0.15)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.zeros(60), id="level"),
        pytest.param(np.where(np.arange(60) < 30, 0.05 * np.arange(60), 1.5), id="slope that ended"),
    ],
)
def test_other_series_keep_their_combination(values: Array) -> None:
    assert (follow_drift(FLAT, with_noise(values), WEEKS, [60]) == FLAT).all()


def test_later_values_do_not_change_the_drift_of_an_origin() -> None:
    values = with_noise(0.05 * np.arange(60.0))
    later = np.concatenate((values[:50], np.full(10, 9.0)))
    drifted = follow_drift(FLAT, values, WEEKS, [50])
    assert (drifted != FLAT).any()
    assert (drifted == follow_drift(FLAT, later, WEEKS, [50])).all()


def test_days_have_no_drift() -> None:
    days = PERIODICITIES[Step.DAILY]
    assert (follow_drift(FLAT, with_noise(0.05 * np.arange(60.0)), days, [60]) == FLAT).all()
