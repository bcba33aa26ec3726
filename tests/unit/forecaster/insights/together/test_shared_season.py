"""The season that two terms share."""

from __future__ import annotations

import numpy as np
import pytest

from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.together.shared_season import share_season
from tests.unit.forecaster.insights.together.pairs import SEASON, analysis, noise


def yearly(peak: int, *, swing: float = 20.0, seed: int = 1) -> Analysis:
    """Five years of weeks with a peak of about two months."""
    return analysis(40 + swing * _bump(np.arange(260.0) - peak) + noise(260, seed=seed), "5y")


def _bump(weeks: Array) -> Array:
    return np.asarray(np.exp(3 * (np.cos(2 * np.pi * weeks / 52) - 1)))


@pytest.mark.parametrize(("apart", "shared"), [(0, True), (2, True), (10, False), (26, False), (51, True)])
def test_a_shared_season_has_its_peak_at_the_same_time(apart: int, *, shared: bool) -> None:
    assert share_season(yearly(10), yearly(10 + apart, seed=2), SEASON, SEASON) is shared


def test_the_higher_of_two_peaks_does_not_decide() -> None:
    spring, autumn = yearly(10).values, yearly(36).values
    a, b = (analysis((first + second) / 2) for first, second in ((1.2 * spring, autumn), (spring, 1.2 * autumn)))
    assert share_season(a, b, SEASON, SEASON) is True


def test_a_peak_of_its_own_in_the_other_ones_low_part_is_not_shared() -> None:
    wave = 40 + 10 * np.cos(2 * np.pi * np.arange(260) / 52)
    peak = np.where(np.arange(260) % 52 == 26, 35.0, 0.0)
    smooth, peaked = analysis(wave), analysis(wave + peak)
    assert np.corrcoef(smooth.values, peaked.values)[0, 1] > 0.75
    assert share_season(smooth, peaked, SEASON, SEASON) is False
    assert share_season(peaked, smooth, SEASON, SEASON) is False


def test_the_size_of_the_season_does_not_matter() -> None:
    assert share_season(yearly(10, swing=8), yearly(10, swing=50, seed=2), SEASON, SEASON) is True


def test_a_season_upside_down_is_not_shared() -> None:
    assert share_season(yearly(10), yearly(10, swing=-20, seed=2), SEASON, SEASON) is False


def test_a_season_that_is_not_accepted_is_not_shared() -> None:
    a, b = yearly(10), yearly(10, seed=2)
    assert share_season(a, b, SEASON, None) is False
    assert share_season(a, b, None, SEASON) is False
    assert share_season(a, b, None, None) is False


def test_nothing_is_known_of_fewer_than_two_seasons() -> None:
    short = analysis(50 + noise(52, seed=1), "12m")
    assert share_season(short, short, None, None) is None
    assert share_season(yearly(10), short, SEASON, None) is None
