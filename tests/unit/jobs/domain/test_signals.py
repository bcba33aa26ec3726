"""Signals of a snapshot: known results, and valid results for any series."""

from __future__ import annotations

import math
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.jobs.domain.signals import Stats, term_signals, term_stats

_SERIES = st.lists(st.floats(0, 100), min_size=1, max_size=120)


def _trend(values: list[float], season: int = 52) -> str:
    return term_signals(values, season=season, partial_last_period=False).trend


def test_a_trend_needs_more_than_two_points_and_five_percent() -> None:
    assert _trend([10.0] * 13 + [12.1] * 13) == "rising"
    assert _trend([10.0] * 13 + [12.0] * 13) == "flat"
    assert _trend([10.0] * 13 + [7.9] * 13) == "falling"
    assert _trend([80.0] * 13 + [84.0] * 13) == "flat"
    assert _trend([80.0] * 13 + [84.1] * 13) == "rising"


def test_the_time_of_day_is_not_a_trend() -> None:
    days = [40 + 40 * math.sin(2 * math.pi * hour / 24) for hour in range(24 * 7)]
    assert {_trend(days[:length], season=24) for length in range(48, len(days))} == {"flat"}


def test_the_trend_compares_only_the_last_periods() -> None:
    assert _trend([90.0] * 200 + [10.0] * 26) == "flat"


def test_signals_ignore_a_partial_last_period() -> None:
    whole = term_signals([10, 20, 30, 40, 50, 60], season=52, partial_last_period=False)
    cut = term_signals([10, 20, 30, 40, 50, 60, 3], season=52, partial_last_period=True)
    assert cut == whole
    assert (whole.last_value, whole.change4) == (60, 40)


def test_change4_of_a_short_series_starts_at_its_first_value() -> None:
    assert term_signals([10, 20, 35], season=52, partial_last_period=False).change4 == 25


def test_volatility_is_the_spread_of_changes() -> None:
    assert term_signals([0, 10, 0, 10, 0], season=52, partial_last_period=False).volatility == 10
    assert term_signals([0, 10, 20, 30], season=52, partial_last_period=False).volatility == 0


def test_seasonality_is_one_for_a_pure_season_and_zero_for_a_line() -> None:
    season = [float(10 + 5 * (week % 4)) for week in range(24)]
    assert term_signals(season, season=4, partial_last_period=False).seasonality > 0.95
    risen = [value + week for week, value in enumerate(season)]
    assert term_signals(risen, season=4, partial_last_period=False).seasonality > 0.95
    line = [float(week) for week in range(24)]
    assert term_signals(line, season=4, partial_last_period=False).seasonality == 0


def test_noise_and_a_single_season_show_no_season() -> None:
    # A multiplicative generator, so that the noise is the same everywhere.
    noise, seed = [], 1
    for _ in range(104):
        seed = seed * 48271 % 2147483647
        noise.append(seed % 1000 / 10)
    assert term_signals(noise, season=52, partial_last_period=False).seasonality < 0.35
    assert term_signals(noise[:103], season=52, partial_last_period=False).seasonality == 0


@pytest.mark.parametrize("season", [7, 12, 24, 52])
@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0], [100.0] * 3, [1.0, 2.0, 3.0], [0.0] * 300])
def test_short_and_constant_series_have_signals(values: list[float], season: int) -> None:
    for partial in (False, True):
        signals = term_signals(values, season=season, partial_last_period=partial)
        assert signals.seasonality == 0
        assert signals.last_value == values[-2 if partial else -1]
        assert signals.trend in ("flat", "rising")


@given(_SERIES, st.sampled_from([2, 7, 12, 24, 52]), st.booleans())
def test_signals_are_always_finite_and_in_range(values: list[float], season: int, partial: bool) -> None:
    signals = term_signals(values, season=season, partial_last_period=partial)
    assert signals.trend in ("rising", "falling", "flat")
    assert all(math.isfinite(figure) for figure in astuple(signals)[1:])
    assert 0 <= signals.seasonality <= 1
    assert 0 <= signals.volatility <= 100
    assert -100 <= signals.change4 <= 100


def test_stats_of_a_known_series() -> None:
    assert term_stats([2, 4, 4, 4, 5, 5, 7, 9]) == Stats(mean=5, minimum=2, maximum=9, standard_deviation=2)


@given(_SERIES)
def test_stats_are_ordered(values: list[float]) -> None:
    stats = term_stats(values)
    assert stats.minimum - 1e-4 <= stats.mean <= stats.maximum + 1e-4
    assert 0 <= stats.standard_deviation <= 50.0001
