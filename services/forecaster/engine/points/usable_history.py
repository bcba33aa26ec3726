"""Decides where the usable history of a series begins, and what becomes of the part before.

A change of level and a season are two readings of the same values. A change is accepted if its removal lowers the
error with which earlier seasons, or no season at all, predict later ones. What precedes an accepted change is dropped,
unless a season recurs: then it is kept at the new level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.level_changes import find_last_change, find_launch
from services.forecaster.engine.points.seasonality import Season, read_season
from services.forecaster.engine.scale import BOUNDED, Scale

# Of the loss without the change: a change that helps less is not worth the history before it.
LOSS_WITHOUT_CHANGE = 0.9
RECURRING = 0.5  # share of a season that counts as recurring
MIN_OCCURRENCES = 2  # of a season that recurs across a change
MAX_CHANGES = 3  # bounds the work


@dataclass(frozen=True)
class UsableHistory:
    """The values that inform a forecast. Indices count from the first value of the series; 0 means no such event."""

    values: Array  # in points; the last ones of the series, those before a change at the level after it
    start: int  # index of the first of `values`
    launch: int  # index of the first value of a launch
    change: int  # index of the first value after the last lasting change of level
    season_share: float  # the season's probability: 0 without a season, 1 for one that predicts held-out seasons

    @property
    def known_since(self) -> int:
        """The index from which the series is taken to be the same."""
        return max(self.launch, self.change)


def find_usable_history(values: Array, periodicity: Periodicity, scale: Scale = BOUNDED) -> UsableHistory:
    """The usable history of `values`, (points,) in points. Only bounded series have launches."""
    if scale.linear:
        return UsableHistory(values, 0, 0, 0, read_season(scale.to_log(values), periodicity).share)
    launch = find_launch(values, scale.to_log(values)) if scale.bounded else 0
    known = values[launch:]
    logs = scale.to_log(known)
    season, change = read_season(logs, periodicity), 0
    for _ in range(MAX_CHANGES):
        removed = _remove_change(logs, season, periodicity)
        if not removed:
            break
        logs, season, change = removed.logs, removed.season, max(change, removed.change)
    if not change:
        return UsableHistory(known, launch, launch, 0, season.share)
    if season.share < RECURRING or len(known) < MIN_OCCURRENCES * periodicity.season:
        return UsableHistory(known[change:], launch + change, launch, launch + change, 0.0)
    levelled = np.concatenate((scale.from_log(logs[:change]), known[change:]))
    return UsableHistory(levelled, launch, launch, launch + change, season.share)


@dataclass(frozen=True)
class _Removed:
    logs: Array
    change: int
    season: Season  # of `logs`


def _remove_change(logs: Array, season: Season, periodicity: Periodicity) -> _Removed | None:
    """Removes the last change that is found with or without the season and that lowers the loss."""
    window = periodicity.settled
    for series in (logs, logs - season.over(len(logs))):
        change = find_last_change(series, window)
        if not change:
            continue
        rise = float(np.median(series[change : change + window]) - np.median(series[:change][-window:]))
        levelled = np.concatenate((logs[:change] + rise, logs[change:]))
        found = read_season(levelled, periodicity)
        if found.loss <= LOSS_WITHOUT_CHANGE * season.loss:
            return _Removed(levelled, change, found)
    return None
