"""The members and their combination."""

from __future__ import annotations

import numpy as np
import pytest

from services.common.comparison import Step
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points import seasonality
from services.forecaster.engine.points.combination import disagreement, member_weights, members, weighted_median
from services.forecaster.engine.points.seasonality import deseasonalise, has_season, season_profile
from services.forecaster.engine.points.smoothing import GRID, Grid, past_errors, smooth, weights
from services.forecaster.engine.scale import BOUNDED
from tests.unit.forecaster.engine.series import seasonal, wandering

WEEKS, DAYS = PERIODICITIES[Step.WEEKLY], PERIODICITIES[Step.DAILY]


def test_smoothing_follows_the_textbook_equations() -> None:
    values = np.array([[10.0, 10.0, 10.0, 14.0, 12.0]])
    grid = Grid.of((0.5,), (0.2,), (0.9,))
    levels, trends = smooth(values, grid)
    assert levels[:, 0, 0].tolist() == [10, 10, 10, 12, 12]
    assert trends[:, 0, 0].tolist() == [0] * 5
    # With a trend: 14 is 4 above what was expected, of which the level takes half and the trend a tenth.
    assert levels[3, 0, 1] == 12
    assert trends[3, 0, 1] == pytest.approx(0.4)
    assert levels[4, 0, 1] == pytest.approx(12 + 0.36 + 0.5 * (12 - 12.36))
    assert grid.trend_sums(3)[:, 1] == pytest.approx([0.9, 0.9 + 0.81, 0.9 + 0.81 + 0.729])


def test_past_errors_are_those_of_earlier_forecasts() -> None:
    values = np.array([wandering(30)])
    levels, trends = smooth(values)
    running = past_errors(values, levels, trends, ahead=3)
    reach = GRID.trend_sums(3)[-1]
    by_hand = np.sum([np.abs(values[0, at + 3] - levels[at, 0] - trends[at, 0] * reach) for at in range(20)], axis=0)
    assert running[22, 0] == pytest.approx(by_hand)


def test_weights_fall_with_the_loss_and_equal_losses_weigh_the_same() -> None:
    assert weights(np.array([[1.0, 1.0, 2.0]]))[0] == pytest.approx([0.5, 0.5, 0.0], abs=1e-4)
    assert weights(np.ones((1, 4)))[0] == pytest.approx([0.25] * 4)


def test_no_member_uses_later_values() -> None:
    known, other = np.array(wandering(180)), np.array(wandering(180, seed=9))
    origins = [60, 110, 140]
    for periodicity, count in ((WEEKS, 14), (DAYS, 13)):
        mixed = np.concatenate((known[:140], other[140:]))
        assert members(known, periodicity, origins, 14).tolist() == members(mixed, periodicity, origins, 14).tolist()
        assert members(known, periodicity, origins, 14).shape == (count, 3, 14)


def test_an_origin_is_forecast_as_if_the_series_ended_there() -> None:
    values = np.array(wandering(150))
    among = members(values, DAYS, [100, 150], 14)[:, 0]
    assert among == pytest.approx(members(values[:100], DAYS, [100], 14)[:, 0], abs=1e-9)


def test_a_season_is_detected_and_a_short_or_irregular_series_has_none() -> None:
    wave = np.array(seasonal(84, 7))
    assert season_profile(wave, DAYS) == pytest.approx(wave[:7] - 50, abs=1)
    assert deseasonalise(wave, DAYS) == pytest.approx(50, abs=5)
    assert not has_season(10, DAYS)
    assert not season_profile(wave[:10], DAYS).any()
    assert np.abs(season_profile(np.array(wandering(84)), DAYS)).max() < 3
    assert np.isfinite(season_profile(np.full(84, 7.0), DAYS)).all()


def test_a_changing_season_follows_the_latest_and_a_stable_one_is_the_mean() -> None:
    phases = np.arange(7.0) - 3
    noise = np.array(wandering(84)) / 20
    turned = np.concatenate((np.tile(phases, 8), np.tile(-phases, 4))) + noise
    assert season_profile(turned, DAYS) @ -phases > 0.5 * phases @ phases
    steady = np.tile(phases, 12) + np.random.default_rng(5).normal(0, 2, 84)
    equal = steady.reshape(12, 7).mean(axis=0)
    late = steady.reshape(12, 7)[-2:].mean(axis=0)
    profile = season_profile(steady, DAYS)
    assert np.abs(profile - equal).mean() < np.abs(profile - late).mean()


def test_noise_gives_a_small_seasonal_profile() -> None:
    draws = np.random.default_rng(3).normal(size=(50, 28))
    found = np.mean([np.std(season_profile(noise, DAYS)) for noise in draws])
    assert found < 0.5 * np.mean(np.std(draws.reshape(50, 4, 7).mean(axis=1), axis=1))


def test_the_weekly_profile_is_smoothed_with_its_neighbours() -> None:
    spikes = np.tile(np.where(np.arange(52) == 20, 5.0, 1.0), 4)
    before, at, after = season_profile(spikes, WEEKS)[19:22]
    assert 0.4 * at < before < 0.6 * at
    assert after == pytest.approx(before, rel=0.01)


def test_a_trend_continues_symmetrically_at_both_ends() -> None:
    profile = season_profile(np.arange(14) / 10, DAYS)
    # Back to front and upside down a line is itself; only late weeks weigh more than early ones.
    assert profile == pytest.approx(-profile[::-1], abs=0.2 * profile.max())


def test_a_continued_trend_leaves_less_slope_in_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    week = np.array([0.0, 1.0, 0.0, -1.0, 0.5, -0.5, 0.0])
    line = np.arange(28) / 10 + np.tile(week, 4)
    left = np.abs(season_profile(line, DAYS) - week).max()
    monkeypatch.setattr(seasonality, "END_SLOPE_FACTOR", 0.0)
    assert left < 0.6 * np.abs(season_profile(line, DAYS) - week).max()


def test_two_known_seasons_add_members_with_a_slope() -> None:
    line = np.arange(84) / 20
    assert members(line, DAYS, [13], 14).shape[0] == 10
    made = members(line, DAYS, [84], 14)
    assert made.shape[0] == 13
    assert made[-3:, 0, 7:] - made[-3:, 0, :7] == pytest.approx(np.full((3, 7), 7 / 20), abs=0.01)


def test_a_slope_starts_with_the_first_step() -> None:
    made = members(np.arange(84) / 20, DAYS, [84], 14)[:, 0]
    flat, sloped = made[6], made[-3:]  # the six levels come first
    assert sloped - flat == pytest.approx(np.tile(np.arange(1, 15) / 20, (3, 1)), abs=1e-9)


def test_all_members_but_the_naive_one_have_the_season() -> None:
    wave = np.array(seasonal(98, 7))
    missed = np.abs(members(wave[:84], DAYS, [84], 14)[:, 0] - wave[84:]).max(axis=1)
    assert (missed < 1).sum() == 12
    assert missed.max() > 30


def test_one_step_weights_extrapolate_further_than_horizon_weights() -> None:
    phase = 2 * np.pi * np.arange(60) / 20
    wave = np.cos(phase - phase[-1])  # at its top, and too slow to turn within a step
    flat, over_horizon, one_step = members(wave, WEEKS, [60], 13)[6:9, 0]
    assert flat.max() < 0.9
    assert over_horizon.max() < 1 < one_step[3:].min()


def test_one_jump_changes_the_mean_slope_but_not_the_medians() -> None:
    jumped = np.where(np.arange(84) < 80, 1.0, 3.0)
    mean, of_two, of_all = np.diff(members(jumped, DAYS, [84], 14)[-3:, 0], axis=1).mean(axis=1)
    assert mean > 0.1
    assert [of_two, of_all] == pytest.approx([0.0, 0.0], abs=0.02)


def test_a_seasonal_series_is_forecast_with_its_season() -> None:
    logs = np.log(np.array(seasonal(84, 7)) + np.array(wandering(84)) / 20)
    forecast = np.median(members(logs[:70], DAYS, [70], 14)[:, 0], axis=0)
    assert forecast == pytest.approx(logs[70:], abs=0.1)


def test_the_weighted_median_of_equal_weights_is_the_median() -> None:
    values = np.array([[3.0, 1.0], [1.0, 5.0], [2.0, 9.0], [8.0, 0.0]])
    assert weighted_median(values, np.ones(4)).tolist() == np.median(values, axis=0).tolist() == [2.5, 3.0]
    assert weighted_median(values[:3], np.ones(3)).tolist() == [2.0, 5.0]


def test_the_weighted_median_moves_towards_the_heavier_member() -> None:
    values = np.array([[0.0], [10.0], [20.0]])
    heavy = weighted_median(values, np.array([1.0, 1.0, 8.0]))[0]
    assert 15 < heavy <= 20
    assert weighted_median(values, np.array([1e-9, 1e-9, 1.0]))[0] == pytest.approx(20)
    assert weighted_median(values, np.array([1.0, 1e-9, 1e-9]))[0] == pytest.approx(0, abs=1e-6)


def test_member_weights_fall_with_the_error_and_accept_zero_errors() -> None:
    assert member_weights(np.array([1.0, 2.0, 3.0])) == pytest.approx(np.exp([0.0, -2.5, -5.0]), abs=0.05)
    assert member_weights(np.array([0.0, 0.001])) == pytest.approx(
        1, abs=0.12
    )  # too small a difference to tell them apart
    assert member_weights(np.zeros(3)).tolist() == [1, 1, 1]


def test_disagreement_is_the_weighted_distance_of_members_from_the_forecast() -> None:
    points = np.array([[40.0, 40.0], [50.0, 40.0], [70.0, 40.0]])
    said, forecasts = np.array([50.0, 40.0]), BOUNDED.to_log(points)
    apart = np.abs(BOUNDED.to_logit(points[:, 0]) - BOUNDED.to_logit(np.array(50.0)))
    found = disagreement(forecasts, said, np.ones(3), BOUNDED)
    assert found == pytest.approx([apart.mean(), 0.0], abs=1e-9)
    assert disagreement(forecasts, said, np.array([0.0, 3.0, 1.0]), BOUNDED)[0] == pytest.approx(apart[2] / 4)
