"""Lasting changes of the level, by the engine's detector over the whole history."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from services.forecaster.engine.history import MAX_FITTED, Array
from services.forecaster.engine.periodicity import PERIODICITIES, Periodicity
from services.forecaster.engine.points.level_changes import HIGHEST_ZERO, find_last_change, find_launch
from services.forecaster.engine.points.seasonality import read_season
from services.forecaster.engine.points.usable_history import RECURRING, find_usable_history
from services.forecaster.engine.scale import BOUNDED
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.types import ChangePoint

MAX_CHANGE_POINTS = 10
# Deviation from the levels with and without the season: a true one that does not grow with the level stays below.
MAX_UNSTEADY = 1.5


def find_change_points(analysis: Analysis, known_since: str | None) -> tuple[ChangePoint, ...]:
    """Up to MAX_CHANGE_POINTS changes by date, the newest ones; the last is recent if it is the bundle's knownSince.

    The engine has searched the newest MAX_FITTED values, and keeps a change only if it helps the forecast: without
    knownSince they have none.
    """
    values, recent = analysis.values, _index_of(analysis, known_since)
    unsearched = recent or max(0, len(values) - MAX_FITTED)
    if not unsearched:
        return ()
    periodicity = PERIODICITIES[analysis.step]
    adjusted = _without_season(values, unsearched, periodicity)
    if recent:
        earlier = _find_changes(adjusted[:recent], periodicity)
        changes = [*earlier, recent]
    else:
        changes = _find_changes(adjusted[: _overlapping(unsearched, periodicity)], periodicity)
    bounds = [0, *changes, len(values)]
    levelled = adjusted if _is_as_steady(adjusted, values, unsearched, bounds) else values
    found = [
        ChangePoint(
            date=analysis.date(change),
            before=_level(levelled[start:change][::-1], values[start:change][::-1], periodicity),
            after=_level(levelled[change:end], values[change:end], periodicity),
            recent=change == recent,
        )
        for start, change, end in zip(bounds, changes, bounds[2:], strict=False)
    ]
    # After a slow launch the level may still be that of before.
    return tuple(change for change in found if change.before != change.after)[-MAX_CHANGE_POINTS:]


def _index_of(analysis: Analysis, date: str | None) -> int:
    """The index of a date, 0 for None."""
    if date is None:
        return 0
    return next((index for index in range(len(analysis.times)) if analysis.date(index) == date), 0)


def _without_season(values: Array, border: int, periodicity: Periodicity) -> Array:
    """The values in points without the season of the longer part before or after `border`, if it recurs.

    Zeros stay zeros.
    """
    start, part = (border, values[border:]) if _ends_longer(values, border) else (0, values[:border])
    if len(part) > MAX_FITTED:
        start, part = start + len(part) - MAX_FITTED, part[-MAX_FITTED:]
    usable = find_usable_history(part, periodicity)
    if usable.season_share < RECURRING:
        return values
    profile = read_season(BOUNDED.to_log(usable.values), periodicity).profile
    phases = (np.arange(len(values)) - start - usable.start) % len(profile)
    adjusted = BOUNDED.from_log(BOUNDED.to_log(values) - profile[phases])
    return np.where(values > HIGHEST_ZERO, adjusted, values)


def _ends_longer(values: Array, border: int) -> bool:
    """Whether more values follow `border` than precede it."""
    return 2 * border < len(values)


def _is_as_steady(adjusted: Array, values: Array, border: int, bounds: list[int]) -> bool:
    """Whether the other part is about as steady without the season of the longer part before or after `border`.

    Levels that change back and forth may be read as a season. Without it, the term would have levels that it never
    had. The parts between `bounds` vary around levels of their own.
    """
    parts = [slice(start, end) for start, end in pairwise(sorted({*bounds, border}))]
    others = [part for part in parts if (part.stop <= border) == _ends_longer(values, border)]
    before, after = (sum(_deviation(series[part]) for part in others) for series in (values, adjusted))
    return after <= MAX_UNSTEADY * before


def _deviation(values: Array) -> float:
    return float(np.abs(values - np.median(values)).sum())


def _find_changes(values: Array, periodicity: Periodicity) -> list[int]:
    """Indices of the first values after each change, ascending.

    What precedes a change is searched as if the series ended there. A long series is searched in parts of MAX_FITTED
    values that overlap, so that no change is near an end of every part.
    """
    changes: list[int] = []
    logs, end = BOUNDED.to_log(values), len(values)
    while end > 0 and len(changes) < MAX_CHANGE_POINTS:
        start = max(0, end - MAX_FITTED)
        launch = find_launch(values[start:end], logs[start:end])
        found = launch + find_last_change(logs[start + launch : end], periodicity.settled)
        if found:
            changes.append(start + found)
        end = start + found if found else _overlapping(start, periodicity)
    return sorted(changes)


def _overlapping(end: int, periodicity: Periodicity) -> int:
    """The end of a part that precedes one from `end` on."""
    return end + 2 * periodicity.settled if end else 0


def _level(levelled: Array, values: Array, periodicity: Periodicity) -> float:
    """The level from a change on, forwards or backwards: a median, within the range of the values over a season."""
    season = values[: max(periodicity.settled, periodicity.season)]
    level = float(np.median(levelled[: periodicity.settled]))
    return round(min(max(level, float(season.min())), float(season.max())), 1)
