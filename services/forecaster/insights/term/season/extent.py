"""The highest phase of a season, and how far the season is high around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.common.comparison import Step
from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES

SHARE = 0.5  # of the highest effect: phases around it that reach this share belong to it
_SMOOTHING = np.array([0.25, 0.5, 0.25])


@dataclass(frozen=True)
class Extent:
    """Phases of a season; `last` is below `first` where the season's cycle ends in between."""

    first: int
    top: int
    last: int


def smooth(profile: Array, step: Step) -> Array:
    """The profile, (period,), with each week smoothed by its neighbours; other steps as they are.

    Each week of the year is observed few times.
    """
    if not PERIODICITIES[step].smooth_season:
        return profile
    return np.convolve(np.concatenate((profile[-1:], profile, profile[:1])), _SMOOTHING, "valid")


def find_extent(smoothed: Array, profile: Array) -> Extent:
    """The phases around the highest of `smoothed`; `top` is the highest of `profile` among it and its neighbours."""
    period, highest = len(profile), int(np.argmax(smoothed))
    belongs = np.roll(smoothed >= SHARE * smoothed[highest], -highest)
    if belongs.all():
        return Extent(highest, highest, highest)
    after = int(np.argmin(belongs)) - 1
    before = int(np.argmin(belongs[::-1]))
    neighbours = np.arange(highest - min(1, before), highest + min(1, after) + 1) % period
    top = int(neighbours[np.argmax(profile[neighbours])])
    return Extent((highest - before) % period, top, (highest + after) % period)
