"""Direction, quality flags, confidence and warnings."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.bundle.confidence import calibrated, confidence, warnings_for
from services.forecaster.engine.bundle.direction import direction_of
from services.forecaster.engine.bundle.quality import Quality, assess_quality
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.intervals.learned import STEP_CORRELATION
from services.forecaster.engine.intervals.prediction_intervals import Intervals
from services.forecaster.engine.points.usable_history import UsableHistory
from tests.unit.forecaster.engine.series import term_series, wandering

WEEKS = TIMEFRAMES["12m"]


@pytest.mark.parametrize(
    ("level", "forecast", "expected"),
    [
        (20.0, 22.0, "stable"),  # 2 points exactly are no change
        (20.0, 22.1, "rising"),
        (20.0, 17.9, "falling"),
        (80.0, 84.0, "stable"),  # 5 % of 80
        (80.0, 84.1, "rising"),
        (80.0, 75.9, "falling"),
    ],
)
def test_direction_follows_the_contracts_band(level: float, forecast: float, expected: str) -> None:
    assert direction_of(np.full(30, level), np.full(13, forecast)) == expected


def test_a_large_variance_is_volatile_within_the_band_only() -> None:
    swinging = np.array([20.0, 80.0] * 20)
    assert direction_of(swinging, np.full(14, 50.0)) == "volatile"
    assert direction_of(swinging, np.full(14, 60.0)) == "rising"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (10.0, 30.0, "stable"),  # a deviation of 10 points exactly
        (9.9, 30.1, "volatile"),
        (39.5, 80.5, "stable"),  # 20.5, where 35 % of the level are 21
        (38.5, 81.5, "volatile"),
    ],
)
def test_volatile_needs_ten_points_and_a_share_of_the_level(low: float, high: float, expected: str) -> None:
    assert direction_of(np.array([low, high] * 10), np.full(14, (low + high) / 2)) == expected


def test_direction_compares_with_as_many_points_as_there_are() -> None:
    assert direction_of(np.array([10.0, 20.0]), np.full(13, 15.0)) == "stable"


def judged(values: list[float], *, marked: bool = False, launch: int = 0, change: int = 0) -> Quality:
    series, known = term_series(values, partial=marked, scaled_apart=marked, gaps_filled=marked), np.array(values)
    return assess_quality(series, known, known, WEEKS, UsableHistory(known, 0, launch, change, 0.0))


@pytest.mark.parametrize(
    ("values", "flag", "expected"),
    [
        ([50.0] * 25, "seriesTooShort", True),  # less than two horizons of 13
        ([50.0] * 26, "seriesTooShort", False),
        ([30.0, 50.0] * 20, "tooSpiky", False),  # half of the mean exactly
        ([29.5, 50.5] * 20, "tooSpiky", True),
        ([0.0, 2.0] * 20, "tooSpiky", False),  # twice the mean, but less than half of 5 points
        ([0.0, 3.0] * 20, "tooSpiky", True),
        ([20.0, 21.0] * 20 + [90.0, 20.0], "eventShockLikely", True),
        ([20.0, 90.0] + [20.0, 21.0] * 20, "eventShockLikely", False),  # before the last horizon
        ([20.0, 21.0] * 20 + [36.0, 37.0], "eventShockLikely", True),  # 15 points exactly
        ([20.0, 21.0] * 20 + [35.8, 37.0], "eventShockLikely", False),
        ([20.0, 24.0] * 20 + [48.0, 52.0], "eventShockLikely", False),  # six times the typical change exactly
        ([20.0, 24.0] * 20 + [48.5, 52.0], "eventShockLikely", True),
        ([0.0, 0.5, 9.0, 9.0] * 10, "mostlyZero", True),
        ([0.0, 9.0, 9.0, 9.0] * 10, "mostlyZero", False),
    ],
)
def test_flags_at_their_thresholds(values: list[float], flag: str, expected: bool) -> None:
    assert judged(values).flags[flag] is expected


@pytest.mark.parametrize(
    ("since", "flagged", "warned"), [(25, True, True), (26, True, False), (52, True, False), (53, False, False)]
)
def test_recent_events_are_flagged_for_a_season_and_warn_for_two_horizons(
    since: int, flagged: bool, warned: bool
) -> None:
    launched, changed = judged(wandering(100), launch=100 - since), judged(wandering(100), change=100 - since)
    assert (launched.flags["recentLaunch"], launched.flags["levelShift"]) == (flagged, False)
    assert (changed.flags["recentLaunch"], changed.flags["levelShift"]) == (False, flagged)
    for quality in (launched, changed):
        assert warnings_for(quality, 90, windows=12, volatile=False) == ["insufficient_data"] * warned


def test_events_of_days_are_recent_for_two_horizons() -> None:
    days = np.array(wandering(60))
    for since, flagged in ((28, True), (29, False)):
        usable = UsableHistory(days, 0, 0, 60 - since, 0.0)
        assert assess_quality(term_series(days, "3m"), days, days, TIMEFRAMES["3m"], usable).level_shift is flagged


def test_flags_of_the_snapshot_are_passed_on() -> None:
    flags = judged(wandering(40), marked=True).flags
    assert flags["partialLastPeriod"] is flags["scaledApart"] is flags["gapsFilled"] is True


GOOD = judged(wandering(60))
LEVEL = np.full(60, 50.0)  # so the band is 2.5 points


def sure(forecast: float, sd: float) -> float:
    intervals = Intervals(
        *(np.full(13, forecast + score * sd) for score in (0.0, -1.281552, 1.281552, -1.959964, 1.959964))
    )
    return confidence(LEVEL, intervals.value, Distribution.of(intervals, 13), 0.0)


VARIES = math.sqrt(STEP_CORRELATION + (1 - STEP_CORRELATION) / 13)  # the mean of 13 steps, against one of them


@pytest.mark.parametrize(
    ("forecast", "expected"),
    [(52.5 + 1.2816 * VARIES, 0.9), (47.5 - 1.2816 * VARIES, 0.9), (50 + 0.2533 * VARIES, 0.95), (80.0, 0.95)],
)
def test_confidence_is_the_calibrated_probability_of_the_direction(forecast: float, expected: float) -> None:
    assert sure(forecast, 1.0) == pytest.approx(100 * calibrated(math.log(expected / (1 - expected)), 0.0), abs=0.05)


def test_stable_is_correct_within_the_band_on_both_sides() -> None:
    assert sure(50.0, 2.5 / VARIES) == pytest.approx(100 * calibrated(math.log(0.6827 / 0.3173), 0.0), abs=0.05)


def test_confidence_falls_with_the_spread_and_is_never_100() -> None:
    assert sure(60.0, 4.0) > sure(60.0, 8.0) > sure(60.0, 40.0)
    assert 0 < sure(60.0, 0.0) < 100


def test_calibration_keeps_the_order() -> None:
    shares = [calibrated(odds / 10, 0.5) for odds in range(-100, 101)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[100] < shares[200] < 1


def test_a_probability_counts_ties_by_half() -> None:
    flat = Distribution(np.full((3, 5), 20.0))
    assert flat.mean_below(19.0) == 0
    assert flat.mean_below(20.0) == pytest.approx(0.5)
    assert flat.mean_below(21.0) == 1


def test_a_distribution_interpolates_its_quantiles_and_extrapolates() -> None:
    lopsided = Distribution(np.array([[10.0, 40.0, 50.0, 56.0, 90.0]]))
    scores = np.array([[-1.959964], [-1.281552], [0.0], [1.281552], [1.959964], [2.059964]])
    said = lopsided.at(scores)[:, 0]
    assert said[:5] == pytest.approx([10, 40, 50, 56, 90])
    assert said[5] == pytest.approx(90 + 0.1 * (90 - 56) / (1.959964 - 1.281552))


def test_a_distribution_is_clipped_at_the_bounds() -> None:
    low = Distribution(np.array([[0.0, 0.0, 0.0, 5.0, 9.0]]))
    assert low.at(np.array([[-4.0], [0.0], [1.281552]])).tolist() == [[0.0], [0.0], [5.0]]
    assert low.mean_below(0.0) == pytest.approx(0.25, abs=0.01)  # half of the half that is 0


def test_the_mean_of_many_steps_varies_less_than_one_step_does() -> None:
    one = np.array([[-19.6, -12.8, 0.0, 12.8, 19.6]]) + 50
    share = [Distribution(np.repeat(one, steps, axis=0)).mean_below(40.0) for steps in (1, 4, 26)]
    assert share[0] == pytest.approx(NormalDist(50, 10).cdf(40), abs=0.002)
    assert share[0] > share[1] > share[2] > 0


def test_a_mean_varies_around_its_expectation_and_not_the_medians() -> None:
    lopsided = Distribution(
        np.repeat([[0.0, 0.0, 0.0, 40.0, 70.0]], 12, axis=0)
    )  # mostly 0, as a rare term's months are
    assert lopsided.mean_below(2.0) < 0.5


def test_warnings_follow_from_quality_and_confidence() -> None:
    assert warnings_for(GOOD, 90, windows=12, volatile=False) == []
    assert warnings_for(GOOD, 39.9, windows=12, volatile=False) == ["low_confidence"]
    assert warnings_for(GOOD, 90, windows=0, volatile=False) == ["insufficient_data"]
    assert warnings_for(GOOD, 90, windows=12, volatile=False, complete=False) == ["insufficient_data"]
    assert warnings_for(GOOD, 90, windows=12, volatile=True) == ["high_volatility"]
    shocked = judged([20.0, 90.0] + [20.0, 21.0] * 20)
    assert warnings_for(shocked, 90, windows=12, volatile=False) == ["anomaly_detected"]
    marked = judged(wandering(60), marked=True)
    assert warnings_for(marked, 90, windows=12, volatile=False) == ["data_quality_concern"]
