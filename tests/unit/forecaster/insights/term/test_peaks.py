"""Events and seasonal peaks of a term."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.forecast.exports import read_exports
from benchmarks.insights import events
from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.usable_history import find_usable_history
from services.forecaster.insights.term.analysis import Analysis, analyse
from services.forecaster.insights.term.change_points import find_change_points
from services.forecaster.insights.term.peaks import MAX_PEAKS, find_peaks
from services.forecaster.insights.term.season.season import find_season
from services.forecaster.insights.types import Season, SeasonExtreme
from tests.paths import EXPORTS
from tests.unit.forecaster.engine.series import seasonal, term_series

# find_peaks needs only the fact that there is a season; the dates are those of the decomposition.
SEASON = Season(peak=SeasonExtreme("early April", "04-01", "04-07", 20.0), low=SeasonExtreme("", "", "", -20.0))


def quiet(count: int, timeframe: str, *, seed: int = 1, **effects: float) -> Analysis:
    """A level of 40 with noise of a point, and events: `at_60=50` is 50 points more at index 60."""
    values = 40 + np.random.default_rng(seed).normal(0, 1, count)
    for name, effect in effects.items():
        values[int(name.removeprefix("at_"))] += effect
    return analyse(term_series(np.round(values), timeframe))


def test_an_event_is_a_peak_with_its_date_value_effect_and_z() -> None:
    analysis = quiet(260, "5y", at_100=30)
    [peak] = find_peaks(analysis, None)
    assert (peak.date, peak.from_, peak.to) == (analysis.date(100),) * 3
    assert peak.value == analysis.values[100]
    assert peak.effect == pytest.approx(30, abs=2)
    assert (peak.kind, peak.recurring) == ("event", False)
    assert peak.z is not None
    assert peak.z > 10


def test_consecutive_dates_are_one_peak() -> None:
    analysis = quiet(260, "5y", at_99=12, at_100=30, at_101=20, at_102=9)
    [peak] = find_peaks(analysis, None)
    assert (peak.from_, peak.date, peak.to) == (analysis.date(99), analysis.date(100), analysis.date(102))


def test_an_event_of_some_weeks_in_a_series_of_one_year_is_found() -> None:
    analysis = quiet(52, "12m", at_20=25, at_21=30, at_22=20)
    [peak] = find_peaks(analysis, None)
    assert (peak.from_, peak.date, peak.to) == (analysis.date(20), analysis.date(21), analysis.date(22))


def test_a_drop_is_no_peak() -> None:
    assert find_peaks(quiet(260, "5y", at_100=-30), None) == ()


def test_a_lasting_change_is_no_peak() -> None:
    noise = np.random.default_rng(1).normal(0, 1, 156)
    up = np.where(np.arange(156) >= 70, 70, 20)
    assert find_peaks(analyse(term_series(np.round(up + noise), "5y")), None) == ()


def test_noise_after_a_launch_is_no_peak() -> None:
    claimed = 0
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(0, 4, 156)
        launched = np.where(np.arange(156) >= 100, np.round(60 + noise), 0)
        claimed += bool(find_peaks(analyse(term_series(launched, "5y")), None))
    assert claimed <= 2


def test_values_that_scatter_as_widely_as_they_rise_are_no_events() -> None:
    draw = np.random.default_rng(2)
    sparse = np.where(draw.random(260) < 0.25, draw.integers(20, 100, 260), 0)
    assert find_peaks(analyse(term_series(sparse, "5y")), None) == ()


def test_events_come_by_falling_z_and_no_more_than_five() -> None:
    analysis = quiet(260, "5y", at_20=20, at_50=30, at_90=12, at_130=25, at_170=15, at_210=40)
    peaks = find_peaks(analysis, None)
    assert [peak.date for peak in peaks] == [analysis.date(index) for index in (210, 50, 130, 20, 170)]


@pytest.mark.parametrize(
    ("other", "recurring"), [(60 + 52, True), (60 + 54, True), (60 + 2 * 52, True), (60 + 57, False), (60 + 26, False)]
)
def test_an_event_recurs_within_two_weeks_of_the_same_date(other: int, recurring: bool) -> None:
    peaks = find_peaks(quiet(260, "5y", at_60=30, **{f"at_{other}": 30}), None)
    assert [peak.recurring for peak in peaks] == [recurring, recurring]


def test_months_recur_within_two_months() -> None:
    assert [peak.recurring for peak in find_peaks(quiet(120, "all", at_30=30, at_44=30), None)] == [True, True]
    assert [peak.recurring for peak in find_peaks(quiet(120, "all", at_30=30, at_48=30), None)] == [False, False]


def test_hours_do_not_recur() -> None:
    assert [peak.recurring for peak in find_peaks(quiet(168, "7d", at_30=30, at_54=30), None)] == [False, False]


def test_a_season_has_a_peak_each_year_from_the_newest() -> None:
    start = datetime(2022, 1, 3, tzinfo=UTC)
    analysis = analyse(term_series(np.round(seasonal(156, 52)), "5y", start=start))
    peaks = find_peaks(analysis, SEASON)
    dates = [datetime.fromisoformat(peak.date) for peak in peaks]
    assert [(date.year, date.month) for date in dates] == [(2024, 4), (2023, 4), (2022, 4)]
    assert all(peak.kind == "seasonal" and peak.recurring and peak.z is None for peak in peaks)
    assert all(peak.effect == pytest.approx(30, abs=2) for peak in peaks)
    assert all(peak.from_ < peak.date < peak.to for peak in peaks)
    assert find_peaks(analysis, None) == ()


def test_the_height_of_a_sharp_season_is_no_event() -> None:
    noise = np.random.default_rng(1).normal(0, 1, 260)
    analysis = analyse(term_series(np.round(30 + sharp(50, width=1.5) + noise), "5y"))
    assert {peak.kind for peak in find_peaks(analysis, SEASON)} == {"seasonal"}
    assert {peak.kind for peak in find_peaks(analysis, None)} == {"event"}


def test_noise_that_grows_with_the_season_is_hardly_ever_an_event() -> None:
    claimed = 0
    for seed in range(30):
        noise = np.random.default_rng(seed).normal(1, 0.08, 260)
        analysis = analyse(term_series(np.round((10 + sharp(70, width=4)) * noise), "5y"))
        claimed += any(peak.kind == "event" for peak in find_peaks(analysis, SEASON))
    assert claimed <= 6


def sharp(height: float, *, width: float) -> Array:
    """Five years of weeks with a peak in the middle of each: (260,)."""
    return np.asarray(height * np.exp(-(((np.arange(260) % 52 - 26) / width) ** 2)))


def test_the_newest_seasonal_peak_is_kept_beside_many_events() -> None:
    values = np.round(seasonal(260, 52, swing=20) + np.random.default_rng(1).normal(0, 1, 260))
    for index in (10, 50, 90, 130, 170, 230):
        values[index] += 25
    kinds = [peak.kind for peak in find_peaks(analyse(term_series(values, "5y")), SEASON)]
    assert kinds == ["event"] * (MAX_PEAKS - 1) + ["seasonal"]


@pytest.mark.parametrize("timeframe", ["7d", "30d", "12m", "5y", "all"])
@pytest.mark.parametrize("count", [3, 15, 16, 520, 5000])
@pytest.mark.parametrize("season", [None, SEASON])
def test_series_without_noise_answer(timeframe: str, count: int, season: Season | None) -> None:
    rare = [100.0 if index % 97 == 50 else 0.0 for index in range(count)]
    for values in ([0.0] * count, [50.0] * count, rare):
        analysis = analyse(term_series(values, timeframe))
        peaks = find_peaks(analysis, season)
        assert len(peaks) <= MAX_PEAKS
        if values is not rare and season is None:
            assert peaks == ()
        values_by_date = {analysis.date(index): values[index] for index in range(count)} if peaks else {}
        for peak in peaks:
            assert peak.value == values_by_date[peak.date]
            assert np.isfinite([peak.value, peak.effect, peak.z or 0.0]).all()


@pytest.mark.parametrize("name", events.LENGTHS)
def test_events_of_six_deviations_are_found_and_noise_has_hardly_any(name: str) -> None:
    assert events.share_found(name, draws=20) >= 0.9
    assert events.share_claimed(name, draws=20) <= 0.1
    assert events.share_claimed(name, correlation=0.5, draws=20) <= 0.1


@pytest.mark.slow
@pytest.mark.skipif(not (EXPORTS / "INDEX.csv").exists(), reason="the real exports are not beside this checkout")
def test_peaks_and_changes_of_exports_are_dates_of_the_series() -> None:
    for exported in read_exports():
        analysis = analyse(term_series(exported.values, exported.timeframe, start=exported.first.replace(day=1)))
        usable = find_usable_history(analysis.values, PERIODICITIES[analysis.step])
        known_since = analysis.date(usable.known_since) if usable.known_since else None
        values = {analysis.date(index): value for index, value in enumerate(exported.values)}
        for peak in find_peaks(analysis, find_season(analysis, usable.season_share)):
            assert peak.value == values[peak.date]
            assert {peak.from_, peak.to} <= set(values)
            assert peak.from_ <= peak.date <= peak.to
            assert np.isfinite([peak.effect, peak.z or 0.0]).all()
        changes = find_change_points(analysis, known_since)
        assert {change.date for change in changes} <= set(values)
        assert [change.date for change in changes if change.recent] == ([known_since] if known_since else [])
        assert all(0 <= change.before <= 100 and 0 <= change.after <= 100 for change in changes)
