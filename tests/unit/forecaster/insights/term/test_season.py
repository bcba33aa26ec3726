"""When a season is named, and where."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.insights.noise_table import strength_quantile
from benchmarks.insights.season import NOISES, SHAPES, share_claimed, share_found
from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.term.season import noise_table
from services.forecaster.insights.term.season.extent import Extent, find_extent
from services.forecaster.insights.term.season.noise_strength import strength_of_noise
from services.forecaster.insights.term.season.season import MIN_STRENGTH, find_season
from tests.unit.forecaster.engine.series import seasonal, term_series

JANUARY = datetime(2019, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_season_as_strong_as_the_noise_is_found(shape: str) -> None:
    assert share_found(shape, 20) >= 0.95


@pytest.mark.parametrize("name", NOISES)
def test_no_season_is_claimed_in_noise(name: str) -> None:
    assert share_claimed(name, draws=20) <= 0.05


def test_a_season_that_the_engine_does_not_accept_is_not_named() -> None:
    analysis = analyse(term_series(seasonal(240, 12), "all"))
    assert find_season(analysis, season_share=0.5) is not None
    assert find_season(analysis, season_share=0.49) is None


def test_a_weak_season_is_not_named() -> None:
    rest = 10 * np.random.default_rng(1).standard_normal(240)
    strengths = {}
    for swing in (4, 20):
        analysis = analyse(term_series(seasonal(240, 12, swing=swing) + rest, "all"))
        assert analysis.components is not None
        strengths[find_season(analysis, 1.0) is not None] = analysis.components.seasonal_strength
    assert strengths[False] < MIN_STRENGTH < strengths[True]


def test_a_season_that_noise_reaches_in_so_few_years_is_not_named() -> None:
    noise = np.random.default_rng(5).standard_normal(104)
    analysis = analyse(term_series(50 + 10 * noise, "5y"))
    assert analysis.components is not None
    assert MIN_STRENGTH < analysis.components.seasonal_strength < strength_of_noise(104, 52)
    assert find_season(analysis, 1.0) is None


def test_the_peak_and_the_low_of_months_are_named() -> None:
    year = [30, 28, 26, 24, 22, 20, 18, 16, 22, 30, 60, 62]
    season = find_season(analyse(term_series(year * 5, "all", start=JANUARY)), 1.0)
    assert season is not None
    assert (season.peak.place, season.peak.from_, season.peak.to) == ("December", "November", "December")
    assert (season.low.place, season.low.from_, season.low.to) == ("August", "May", "September")
    assert abs(season.peak.effect - (62 - float(np.mean(year)))) < 1
    assert abs(season.low.effect - (16 - float(np.mean(year)))) < 1


def test_a_single_week_keeps_its_effect() -> None:
    year = [20.0] * 52
    year[47] = 100
    season = find_season(analyse(term_series(year * 5, "5y")), 1.0)
    assert season is not None
    assert abs(season.peak.effect - 80 * 51 / 52) < 2


def test_a_peak_of_several_weeks_is_above_a_higher_single_week() -> None:
    year = [20.0] * 52
    year[10] = 50
    year[40:46] = [46.0] * 6
    season = find_season(analyse(term_series(year * 5, "5y")), 1.0)
    assert season is not None
    assert abs(season.peak.effect - (46 - float(np.mean(year)))) < 2


def test_months_are_not_smoothed() -> None:
    season = find_season(analyse(term_series([*[20.0] * 10, 35.0, 60.0] * 5, "all", start=JANUARY)), 1.0)
    assert season is not None
    assert (season.peak.from_, season.peak.to) == ("December", "December")


@pytest.mark.parametrize(
    ("profile", "extent"),
    [
        ([0, 4, 10, 6, 0, -20], Extent(2, 2, 3)),
        ([10, 6, 0, -20, 0, 6], Extent(5, 0, 1)),  # across the end of the cycle
        ([5, 0, -20, 0, 5, 10], Extent(4, 5, 0)),
        ([0, 0, 0, 0, 0, 0], Extent(0, 0, 0)),
    ],
)
def test_the_extent_has_the_neighbours_with_half_of_the_effect(profile: list[float], extent: Extent) -> None:
    assert find_extent(np.array(profile, dtype=float), np.array(profile, dtype=float)) == extent


def test_the_top_is_the_highest_value_near_the_highest_smoothed_one() -> None:
    profile = np.array([0, 0, 9.0, 10, 30, 0, 0, 0, 12])
    smoothed = np.array([0, 2, 7, 15, 14, 7, 0, 3, 6.0])
    assert find_extent(smoothed, profile).top == 4


@pytest.mark.parametrize(("count", "period"), [(104, 52), (90, 7), (240, 12), (168, 24)])
def test_the_table_holds_the_strength_of_noise(count: int, period: int) -> None:
    assert abs(strength_of_noise(count, period) - strength_quantile(count, period, draws=300)) < 0.06


def test_the_strength_of_noise_falls_with_the_length() -> None:
    for period, strengths in noise_table.STRENGTHS.items():
        found = [strength_of_noise(count, period) for count in range(2 * period, 25 * period)]
        assert found == sorted(found, reverse=True)
        assert (found[0], found[-1]) == (strengths[0], strengths[-1])


def test_the_strength_of_noise_is_linear_in_1_by_length_between_the_lengths_of_the_table() -> None:
    at = noise_table.SEASONS.index(4.0)
    four, five = noise_table.STRENGTHS[12][at : at + 2]
    between = round(12 / ((1 / 4 + 1 / 5) / 2))
    share = (1 / 4 - 12 / between) / (1 / 4 - 1 / 5)
    assert strength_of_noise(between, 12) == pytest.approx(four + share * (five - four))
