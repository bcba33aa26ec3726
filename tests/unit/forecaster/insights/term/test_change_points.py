"""Lasting changes of the level over the whole history."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.forecast.synthetic.kinds import noises
from services.forecaster.engine.history import MAX_FITTED
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.usable_history import find_usable_history
from services.forecaster.insights.term.analysis import Analysis, analyse
from services.forecaster.insights.term.change_points import MAX_CHANGE_POINTS, find_change_points
from services.forecaster.insights.types import ChangePoint
from tests.unit.forecaster.engine.series import seasonal, term_series


def levels(*parts: tuple[int, float], timeframe: str = "5y", seed: int = 1) -> Analysis:
    """Levels of some length each, with noise of a point where they are above zero."""
    drawn = np.random.default_rng(seed)
    level = np.concatenate([np.full(length, float(height)) for length, height in parts])
    return analyse(
        term_series(np.clip(np.round(level + drawn.normal(0, 1, len(level)) * (level > 0)), 0, 100), timeframe)
    )


def known_since(analysis: Analysis) -> str | None:
    """What the bundle says."""
    index = find_usable_history(analysis.values[-MAX_FITTED:], PERIODICITIES[analysis.step]).known_since
    return analysis.date(max(0, len(analysis.values) - MAX_FITTED) + index) if index else None


def changes(analysis: Analysis) -> tuple[ChangePoint, ...]:
    return find_change_points(analysis, known_since(analysis))


def test_every_lasting_change_is_found_and_the_last_is_recent() -> None:
    analysis = levels((60, 20), (50, 70), (40, 35))
    first, last = changes(analysis)
    assert (first.date, last.date) == (analysis.date(60), analysis.date(110))
    assert [first.before, first.after] == pytest.approx([20, 70], abs=1)
    assert [last.before, last.after] == pytest.approx([70, 35], abs=1)
    assert (first.recent, last.recent) == (False, True)


def test_a_launch_is_a_change_from_zero() -> None:
    analysis = levels((100, 0), (56, 40))
    [launch] = changes(analysis)
    assert (launch.date, launch.before, launch.recent) == (analysis.date(100), 0.0, True)
    assert launch.after == pytest.approx(40, abs=1)


def test_a_launch_with_a_season_is_a_change_from_zero() -> None:
    year = seasonal(160, 52, level=30, swing=20)
    [launch] = changes(analyse(term_series(np.round([0.0] * 100 + year), "5y")))
    assert launch.before == 0.0


def test_levels_are_without_the_season() -> None:
    year = np.array(seasonal(230, 52, level=30, swing=10)) + np.where(np.arange(230) >= 180, 40, 0)
    [change] = changes(analyse(term_series(np.round(year), "5y")))
    assert change.before == pytest.approx(30, abs=4)
    assert change.after == pytest.approx(70, abs=6)


@pytest.mark.parametrize(
    ("parts", "before", "after"),
    [
        (((26, 72), (26, 31), (26, 97), (26, 45), (52, 77)), 45.0, 77.0),
        (((18, 67), (17, 75), (17, 25), (18, 52), (17, 64), (16, 52)), 64.0, 52.0),
    ],
)
def test_levels_that_change_back_and_forth_are_no_season(
    parts: tuple[tuple[int, int], ...], before: float, after: float
) -> None:
    steps = [float(level) for length, level in parts for _ in range(length)]
    analysis = analyse(term_series(steps, "5y"))
    last = find_change_points(analysis, analysis.date(len(steps) - parts[-1][0]))[-1]
    assert (last.before, last.after, last.recent) == (before, after, True)


def test_levels_are_within_the_values_beside_the_change() -> None:
    parts = ((45, 0), (26, 66), (26, 20), (26, 95), (26, 8), (26, 26), (25, 65))
    analysis = analyse(term_series([float(level) for length, level in parts for _ in range(length)], "5y"))
    last = changes(analysis)[-1]
    assert (last.date, last.after) == (analysis.date(175), 65.0)
    assert 8.0 <= last.before <= 26.0


def test_a_launch_that_is_slow_is_no_change_of_level() -> None:
    values = [0.0] * 4 + [2.0] + [0.0] * 20 + [60.0] * 80
    analysis = analyse(term_series(values, "5y"))
    assert known_since(analysis) == analysis.date(4)
    assert changes(analysis) == ()


def test_a_change_before_what_the_engine_fits_is_found_but_not_recent() -> None:
    analysis = levels((300, 20), (700, 70))
    [change] = changes(analysis)
    assert (change.date, change.recent) == (analysis.date(300), False)


@pytest.mark.parametrize("after", [-20, -3, 0, 3])
@pytest.mark.parametrize("parts", [1, 2])
def test_a_change_near_the_end_of_a_part_is_found(parts: int, after: int) -> None:
    index = parts * MAX_FITTED + after
    analysis = levels((index, 20), (3 * MAX_FITTED - index, 70))
    assert [change.date for change in changes(analysis)] == [analysis.date(index)]


def test_the_newest_changes_are_kept() -> None:
    analysis = levels(*[(300, 20 + 50 * (part % 2)) for part in range(14)])
    found = changes(analysis)
    assert [change.date for change in found] == [analysis.date(300 * part) for part in range(4, 14)]
    assert len(found) == MAX_CHANGE_POINTS


def test_noise_before_a_change_has_no_changes() -> None:
    for correlation in (0.0, 0.5):
        for values in noises(correlation, 40):
            lowered = np.concatenate((values / 3, values))
            analysis = analyse(term_series(lowered, "5y"))
            recent = analysis.date(len(values))
            assert [change.date for change in find_change_points(analysis, recent)] == [recent]


def test_noise_before_what_the_engine_fits_has_no_changes() -> None:
    values = np.concatenate(list(noises(0.5, 20)))
    assert len(values) > 3 * MAX_FITTED
    assert find_change_points(analyse(term_series(50 + (values - 50) / 8, "7d")), None) == ()


@pytest.mark.parametrize("timeframe", ["7d", "30d", "12m", "5y", "all"])
@pytest.mark.parametrize("count", [3, 30, 520, 5000])
def test_series_without_noise_answer(timeframe: str, count: int) -> None:
    rare = [100.0 if index % 97 == 50 else 0.0 for index in range(count)]
    for values in ([0.0] * count, [50.0] * count, rare):
        analysis = analyse(term_series(values, timeframe))
        assert find_change_points(analysis, None) == ()
