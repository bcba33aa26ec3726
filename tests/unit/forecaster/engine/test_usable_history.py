"""Launches, lasting changes of level, and seasons that recur: what a forecast is made from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.forecast.peers import ours
from benchmarks.forecast.synthetic.__main__ import against_last, false_alarms
from benchmarks.forecast.synthetic.kinds import KINDS, cases
from services.common.comparison import Step
from services.forecaster.engine import forecast
from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.level_changes import find_last_change, find_launch, is_lasting
from services.forecaster.engine.points.seasonality import read_season
from services.forecaster.engine.points.usable_history import find_usable_history
from services.forecaster.engine.scale import BOUNDED
from services.forecaster.engine.term import forecast_term
from tests.unit.forecaster.engine.series import MONDAY, seasonal, term_series, times_from, wandering

WEEKS, MONTHS = PERIODICITIES[Step.WEEKLY], PERIODICITIES[Step.MONTHLY]


def noisy(*parts: tuple[int, float], seed: int = 1) -> Array:
    """Levels of some length each, with noise of a point."""
    drawn = np.random.default_rng(seed)
    levels = np.concatenate([np.full(length, level) for length, level in parts])
    return np.clip(np.round(levels + drawn.normal(0, 1, len(levels)) * (levels > 0)), 0, 100)


def path(values: Array, freq: str, steps: int) -> Array:
    return forecast(list(values), range(len(values)), freq, steps)["mean"]


@pytest.mark.parametrize(
    ("values", "freq", "steps", "level"),
    [
        (noisy((104, 0), (52, 42)), "W", 26, 42),
        (noisy((52, 5), (26, 95)), "W", 26, 95),
        (noisy((52, 20), (52, 60)), "W", 26, 60),
        (noisy((24, 20), (12, 60)), "M", 12, 60),
        (noisy((100, 70), (30, 25)), "W", 26, 25),
        (noisy((60, 20), (25, 70), (40, 20)), "W", 26, 20),  # and back
    ],
)
def test_a_change_is_no_season(values: Array, freq: str, steps: int, level: float) -> None:
    assert path(values, freq, steps) == pytest.approx(np.full(steps, level), abs=3)


def test_a_year_that_recurs_is_a_season() -> None:
    year = np.array(seasonal(52 * 4 + 26, 52))
    said = path(np.round(year[: 52 * 4]), "W", 26)
    assert np.abs(said - year[52 * 4 :]).mean() < 3
    assert find_usable_history(np.round(year[: 52 * 4]), WEEKS).known_since == 0


def test_a_year_that_recurs_is_kept_at_the_level_after_a_change() -> None:
    year, known = np.array(seasonal(52 * 4 + 26, 52, level=24, swing=10)), 52 * 4
    values = np.round(year * np.where(np.arange(len(year)) >= known - 40, 2.5, 1))
    usable = find_usable_history(values[:known], WEEKS)
    assert usable.start == 0
    assert usable.season_share > 0.95
    assert abs(usable.change - (known - 40)) <= 3
    said = path(values[:known], "W", 26)
    assert np.abs(said - values[known:]).mean() < 0.5 * np.abs(values[known - 1] - values[known:]).mean()


def test_a_season_counts_as_far_as_it_predicts_the_seasons_after_it() -> None:
    drawn = np.random.default_rng(3)
    months = np.arange(60)
    recurring = read_season(np.log(50 + 20 * np.sin(months * np.pi / 6) + drawn.normal(0, 1, 60)), MONTHS)
    once = read_season(np.log(50 + 20 * np.sin(months * np.pi / 6) * (months // 12 == 2)), MONTHS)
    assert recurring.share > 0.95
    assert once.share < 0.4
    assert np.abs(once.profile).max() < 0.1 * np.abs(recurring.profile).max()
    assert read_season(np.ones(17), MONTHS).share == 0.0  # too few for a profile
    assert read_season(np.ones(60), MONTHS).share == 0.0  # no profile


def test_a_launch_is_a_level_after_leading_zeros() -> None:
    def launch(*values: float) -> int:
        return find_launch(np.array(values), BOUNDED.to_log(np.array(values)))

    assert launch(0, 1, 0, 0.5, 20, 21, 22, 23) == 4
    assert launch(0, 0, 0, 20, 21, 22, 23, 24) == 0  # three zeros
    assert launch(0, 0, 0, 0, 20, 21, 22) == 0  # three values since
    assert launch(0, 0, 0, 0, 20, 0, 21, 0, 20, 0, 0, 22) == 0  # no level
    assert launch(0, 0, 0, 0, 0) == launch(5, 6, 7, 8, 9) == 0


def test_a_change_lasts_if_both_levels_keep_apart() -> None:
    low, high = np.log(noisy((20, 20))), np.log(noisy((20, 60)))
    assert is_lasting(low, high)
    assert is_lasting(high, low)
    assert not is_lasting(low, np.concatenate((high[:15], low[:5])))
    assert not is_lasting(low, low + 0.19)
    assert not is_lasting(np.log(np.array([10, 30] * 10)), np.log(np.array([20, 60] * 10)))


def test_the_last_change_is_found_and_a_single_peak_is_none() -> None:
    window = WEEKS.settled
    twice = np.log(noisy((60, 20), (40, 60), (30, 90)))
    assert abs(find_last_change(twice, window) - 100) <= 2
    assert find_last_change(np.log(noisy((60, 20), (2, 90), (40, 20))), window) == 0
    assert find_last_change(np.log(noisy((60, 20), (window - 4, 60))), window) == 0
    assert find_last_change(np.full(100, 3.0), window) == find_last_change(np.ones(3), window) == 0


def test_false_alarms_stay_below_their_bounds() -> None:
    assert false_alarms(0.0, 100) <= 0.05
    assert false_alarms(0.3, 100) <= 0.05
    assert false_alarms(0.5, 100) <= 0.10


def test_what_precedes_a_change_informs_neither_level_nor_intervals() -> None:
    since = noisy((40, 60))
    pasts = noisy((80, 20)), noisy((80, 10), seed=2)
    whole = [forecast_term(term_series([*before, *since], "5y")) for before in pasts]
    assert whole[0].bundle["points"] == whole[1].bundle["points"]
    assert whole[0].head_to_head_input.window_errors[-1][0] > 80  # origins count from the first value


def test_known_since_is_the_date_of_a_launch_or_change() -> None:
    dates = [time.date().isoformat() for time in times_from(MONDAY, Step.WEEKLY, 160)]
    launched = forecast_term(term_series(noisy((104, 0), (40, 42)), "5y")).bundle
    changed = forecast_term(term_series(noisy((104, 20), (40, 60)), "5y")).bundle
    steady = forecast_term(term_series(noisy((144, 20)), "5y")).bundle
    assert launched["knownSince"] == changed["knownSince"] == dates[104]
    assert steady["knownSince"] is None
    flags = [bundle["qualityFlags"] for bundle in (launched, changed, steady)]
    assert [(each["recentLaunch"], each["levelShift"]) for each in flags] == [  # type: ignore[index] # a JSON object
        (True, False),
        (False, True),
        (False, False),
    ]
    assert ["insufficient_data" in bundle["warnings"] for bundle in (launched, changed, steady)] == [  # type: ignore[operator] # the same
        True,
        True,
        False,
    ]


def test_directions_of_a_launch_are_not_sure() -> None:
    """With a season imagined, this term rose with a confidence of 85."""
    bundle = forecast_term(term_series(noisy((104, 0), (52, 42)), "5y")).bundle
    assert bundle["direction"] == "stable"


def test_an_unbounded_series_may_fall_below_zero_and_has_no_launch() -> None:
    zeros = np.concatenate((np.zeros(40), np.full(40, 500.0)))
    made = forecast(list(zeros), range(80), "W", 13, bounded=False)
    assert made["mean"] == pytest.approx(np.full(13, 500.0), rel=0.05)
    below = np.array(wandering(80)) - 50
    assert all(math.isfinite(value) for value in forecast(list(below), range(80), "W", 13)["mean"])


def test_synthetic_series_are_seeded_whole_points_of_each_kind() -> None:
    drawn, again = cases(2), cases(2)
    assert [case.set for case in drawn] == [kind for kind in KINDS for _ in range(2)]
    assert all(np.array_equal(one.known, other.known) for one, other in zip(drawn, again, strict=True))
    for case in drawn:
        values = np.concatenate((case.known, case.actual))
        assert np.array_equal(values, np.clip(np.round(values), 0, 100))
        assert len(case.actual) == case.horizon in (12, 13, 26)


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_kind_is_forecast_much_worse_than_by_the_last_value(kind: str) -> None:
    ratios = [against_last(case, ours(case)) for case in cases(12, seed=7) if case.set == kind]
    assert np.exp(np.mean(np.log(ratios))) < (0.2 if kind == "season" else 1.5 if kind == "event" else 1.1)
