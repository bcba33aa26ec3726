"""Lasting changes of the level, by the engine's detector over the whole history."""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.history import MAX_FITTED, Array
from services.forecaster.engine.periodicity import PERIODICITIES, Periodicity
from services.forecaster.engine.points.level_changes import HIGHEST_ZERO
from services.forecaster.engine.points.seasonality import read_season
from services.forecaster.engine.points.usable_history import RECURRING, find_usable_history
from services.forecaster.engine.scale import BOUNDED
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.types import ChangePoint

MAX_CHANGE_POINTS = 10


def find_change_points(analysis: Analysis, known_since: str | None) -> tuple[ChangePoint, ...]:
    """Up to MAX_CHANGE_POINTS changes by date, the newest ones; the last is recent if it is the bundle's knownSince."""
    periodicity = PERIODICITIES[analysis.step]
    values, recent = analysis.values, _index_of(analysis, known_since)
    changes = _find_changes(values, periodicity, recent)
    if not changes:
        return ()
    adjusted = _without_season(values, periodicity)
    bounds = [0, *changes, len(values)]
    return tuple(
        ChangePoint(
            date=analysis.date(change),
            before=_level(adjusted[start:change][-periodicity.settled :]),
            after=_level(adjusted[change:end][: periodicity.settled]),
            recent=change == recent,
        )
        for start, change, end in zip(bounds, changes, bounds[2:], strict=False)
    )[-MAX_CHANGE_POINTS:]


def _index_of(analysis: Analysis, date: str | None) -> int:
    """The index of a date, 0 for None."""
    if date is None:
        return 0
    return next((index for index in range(len(analysis.times)) if analysis.date(index) == date), 0)


def _find_changes(values: Array, periodicity: Periodicity, recent: int) -> list[int]:
    """Indices of the first values after each change, ascending.

    What precedes a change is searched as if the series ended there. A series longer than what the engine fits is
    searched in parts that overlap, so that no change is near an end of every part.
    """
    changes = [recent] if recent else []
    end = recent or _next_end(max(0, len(values) - MAX_FITTED), periodicity)
    while end > 0 and len(changes) < MAX_CHANGE_POINTS:
        start = max(0, end - MAX_FITTED)
        found = find_usable_history(values[start:end], periodicity).known_since
        if found:
            changes.append(start + found)
        end = start + found if found else _next_end(start, periodicity)
    return sorted(changes)


def _next_end(start: int, periodicity: Periodicity) -> int:
    return start + 2 * periodicity.settled if start else 0


def _without_season(values: Array, periodicity: Periodicity) -> Array:
    """The values without the season that the engine accepts; its reading is not misled by changes. Zeros stay zeros."""
    offset = max(0, len(values) - MAX_FITTED)
    usable = find_usable_history(values[offset:], periodicity)
    if usable.season_share < RECURRING:
        return values
    profile = read_season(BOUNDED.to_log(usable.values), periodicity).profile
    phases = (np.arange(len(values)) - offset - usable.start) % len(profile)
    adjusted = BOUNDED.from_log(BOUNDED.to_log(values) - profile[phases])
    return np.where(values > HIGHEST_ZERO, adjusted, values)


def _level(values: Array) -> float:
    return round(float(np.median(values)), 1)
