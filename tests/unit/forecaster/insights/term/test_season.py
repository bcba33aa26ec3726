"""When a season is named, and where."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from benchmarks.insights.season import NOISES, SHAPES, share_claimed, share_found
from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.term.season import find_season
from tests.unit.forecaster.engine.series import term_series


def test_a_season_as_strong_as_the_noise_is_found() -> None:
    assert {shape: share_found(shape, 20) for shape in SHAPES} == dict.fromkeys(SHAPES, 1.0)


def test_no_season_is_claimed_in_noise() -> None:
    assert {name: share_claimed(name, draws=10) for name in NOISES} == dict.fromkeys(NOISES, 0.0)


def test_a_season_that_the_engine_does_not_accept_is_not_named() -> None:
    analysis = analyse(term_series([10.0] * 6 + [40.0, *[10.0] * 5] * 4, "all"))
    assert find_season(analysis, season_share=0.5) is not None
    assert find_season(analysis, season_share=0.49) is None


def test_the_peak_and_the_low_of_months_are_named() -> None:
    year = [30, 28, 26, 24, 22, 20, 18, 16, 22, 30, 60, 62]
    season = find_season(analyse(term_series(year * 5, "all", start=datetime(2019, 1, 1, tzinfo=UTC))), 1.0)
    assert season is not None
    assert (season.peak.place, season.peak.from_, season.peak.to) == ("December", "November", "December")
    assert (season.low.place, season.low.from_, season.low.to) == ("August", "May", "September")
    assert abs(season.peak.effect - (62 - float(np.mean(year)))) < 1
