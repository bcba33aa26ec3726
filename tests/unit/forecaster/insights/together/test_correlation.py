"""The correlation of two terms' changes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.insights.leads import COMMON, INDEPENDENT, compared, coverage, one_seasonal
from benchmarks.insights.series import exported
from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.together.changes import Changes, read_changes
from services.forecaster.insights.together.comparison import compare
from services.forecaster.insights.together.correlation import MIN_CHANGES, correlate
from services.forecaster.insights.types import Correlation
from tests.unit.forecaster.insights.together.pairs import SEASON, analysis, levels, noise


def changes(values: Array, *, adjusted: bool = False) -> Changes:
    return read_changes(analysis(levels(values)), adjusted=adjusted)


def correlation(a: Changes, b: Changes) -> Correlation:
    found = correlate(a, b)
    assert found is not None
    assert -1 <= found.lower95 <= found.value <= found.upper95 <= 1
    return found


def width(found: Correlation) -> float:
    """In Fisher's z."""
    return math.atanh(found.upper95) - math.atanh(found.lower95)


def test_independent_changes_of_white_noise_have_the_width_of_their_number() -> None:
    found = correlation(changes(noise(51, seed=1)), changes(noise(51, seed=2)))
    assert found.lower95 < 0 < found.upper95
    assert width(found) == pytest.approx(2 * 1.96 / math.sqrt(51 - 3), rel=0.15)


def test_autocorrelated_changes_have_a_wider_interval() -> None:
    white = correlation(changes(noise(259, seed=1)), changes(noise(259, seed=2)))
    slow = correlation(*(changes(noise(259, seed=seed, correlation=0.8)) for seed in (1, 2)))
    assert width(slow) > 1.3 * width(white)


def test_equal_and_opposite_changes_have_correlation_one() -> None:
    a = changes(noise(51, seed=1))
    assert correlation(a, a) == Correlation(1, 1, 1)
    assert correlation(a, changes(-noise(51, seed=1))) == Correlation(-1, -1, -1)


def test_one_common_event_is_no_high_correlation() -> None:
    event = np.zeros(51)
    event[25], event[26] = 40, -40
    a, b = (noise(51, seed=seed) + event for seed in (1, 3))
    assert np.corrcoef(a, b)[0, 1] > 0.9
    assert correlation(changes(a), changes(b)).value < 0.4


def test_a_fitted_season_takes_its_degrees_of_freedom() -> None:
    a, b = (changes(noise(103, seed=seed), adjusted=True) for seed in (1, 2))
    assert (a.lost, b.lost) == (51, 51)
    assert width(correlation(a, b)) >= 2 * 1.9 / math.sqrt(103 - 51 - 3)


def test_the_season_is_no_common_change() -> None:
    season = 20 * np.cos(2 * np.pi * np.arange(260) / 52)
    a, b = (analysis(50 + season + noise(260, seed=seed)) for seed in (1, 2))
    found = correlation(read_changes(a, adjusted=True), read_changes(b, adjusted=True))
    assert abs(found.value) < 0.2
    assert correlation(read_changes(a, adjusted=False), read_changes(b, adjusted=False)).value > 0.5


def test_too_few_or_constant_changes_have_no_correlation() -> None:
    short = MIN_CHANGES - 1
    assert correlate(changes(noise(short, seed=1)), changes(noise(short, seed=2))) is None
    varied = changes(noise(51, seed=1))
    assert correlate(varied, read_changes(analysis([40.0] * 52, "12m"), adjusted=False)) is None
    assert correlate(read_changes(analysis(range(52), "12m"), adjusted=False), varied) is None
    assert correlate(*2 * (read_changes(analysis([40.0], "12m"), adjusted=False),)) is None


@pytest.mark.parametrize("kind", INDEPENDENT)
def test_the_interval_of_independent_changes_contains_zero(kind: str) -> None:
    share = coverage(compared("104 weeks", kind, 40))
    assert share is not None
    assert share >= 0.9


def test_the_interval_contains_the_correlation_of_terms_of_which_one_has_a_season() -> None:
    draw, found = np.random.default_rng(24), []
    for _ in range(40):
        a, b = (exported(values, "5y") for values in one_seasonal(draw, "104 weeks"))
        together = compare(analyse(a), analyse(b), SEASON, None)
        assert together is not None
        found.append(together)
    assert (coverage(found, COMMON) or 0) >= 0.9
