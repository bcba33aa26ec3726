"""Events: dates at which a term stands out from its surroundings by more than noise does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.insights.term.analysis import Analysis

MIN_PERIODS = 16  # fewer give no measure of noise
LEAST_DEVIATION = 0.5  # points: Google rounds to whole ones
USUAL_SHARE = 0.9  # of the periods; what one in ten periods exceeds is no event
# In at most 5 % of noise series the highest z exceeds THRESHOLD + THRESHOLD_GROWTH · ln(periods): make bench-insights.
THRESHOLD, THRESHOLD_GROWTH = 2.1, 0.27
_NORMAL = 1.4826  # standard deviation ÷ median absolute deviation of normal noise
_NORMAL_USUAL = 1.2816  # USUAL_SHARE quantile ÷ standard deviation of normal noise


@dataclass(frozen=True)
class Event:
    """Consecutive periods above the usual level. Indices count the complete periods."""

    index: int  # of the highest z
    first: int
    last: int
    effect: float  # points above the usual level
    z: float


def find_events(analysis: Analysis, *, with_season: bool) -> tuple[Event, ...]:
    """All events by date. With `with_season`, the season is removed first.

    An event is a run of periods above half of the threshold, with one above the threshold.
    """
    values = analysis.adjusted if with_season else analysis.values
    if len(values) < MIN_PERIODS:
        return ()
    settled = PERIODICITIES[analysis.step].settled
    # Medians follow a lasting change of level at once, and no event that is shorter than half of their window.
    effects = values - _running_medians(values, 2 * settled + 1)
    z = effects / _noise(effects, 4 * settled + 1)
    threshold = event_threshold(len(values))
    return tuple(
        _event(first, last, effects, z)
        for first, last in _runs(z >= threshold / 2)
        if z[first : last + 1].max() >= threshold
    )


def event_threshold(periods: int) -> float:
    """The z from which a date is an event in a series of that length."""
    return THRESHOLD + THRESHOLD_GROWTH * math.log(periods)


def _noise(effects: Array, window: int) -> Array:
    """The standard deviation of the noise at each period, in points.

    Noise grows with the level, so both the whole series and the surroundings count.
    """
    deviations = np.abs(effects - np.median(effects))
    local = np.maximum(_running_medians(deviations, window), float(np.median(deviations)))
    usual = float(np.quantile(effects, USUAL_SHARE)) / _NORMAL_USUAL
    return np.maximum(_NORMAL * np.maximum(local, LEAST_DEVIATION), usual)


def _running_medians(values: Array, window: int) -> Array:
    """Medians of up to `window` values around each; the series is mirrored at its ends."""
    half = min(window // 2, len(values) - 1)
    padded = np.pad(values, half, mode="reflect")
    return np.asarray(np.median(sliding_window_view(padded, 2 * half + 1), axis=1))


def _runs(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """First and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]


def _event(first: int, last: int, effects: Array, z: Array) -> Event:
    index = first + int(np.argmax(z[first : last + 1]))
    return Event(index, first, last, float(effects[index]), float(z[index]))
