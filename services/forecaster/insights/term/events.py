"""Events: dates at which a term stands out from its surroundings by more than noise does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from services.common.comparison import Step
from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis

MIN_PERIODS = 16  # fewer give no measure of noise
# Periods over which the usual level is a median: half a year of weeks. An event is shorter than half of that.
LEVEL_WINDOWS = {Step.HOURLY: 49, Step.DAILY: 29, Step.WEEKLY: 27, Step.MONTHLY: 25}
STEP = 8.0  # standard deviations of the noise: levels that differ as much are those of a lasting change
LEAST_DEVIATION = 0.5  # points: Google rounds to whole ones
USUAL_SHARE = 0.85  # of the periods; what more than one in seven periods exceeds is no event
# In at most 5 % of noise series the highest z exceeds THRESHOLD + THRESHOLD_GROWTH · ln(periods): make bench-insights.
THRESHOLD, THRESHOLD_GROWTH = 2.7, 0.2
_NORMAL = 1.4826  # standard deviation ÷ median absolute deviation of normal noise
_NORMAL_USUAL = 1.0364  # USUAL_SHARE quantile ÷ standard deviation of normal noise


@dataclass(frozen=True)
class Event:
    """Consecutive periods above the usual level. Indices count the complete periods."""

    index: int  # of the highest z
    first: int
    last: int
    effect: float  # points above the usual level
    z: float


def find_events(analysis: Analysis, *, with_season: bool) -> tuple[Event, ...]:
    """All events by date: runs of periods above half of the threshold, with one above the threshold."""
    if len(analysis.values) < MIN_PERIODS:
        return ()
    effects, z = standardised(analysis, with_season=with_season)
    threshold = event_threshold(len(z))
    return tuple(
        _event(first, last, effects, z)
        for first, last in _runs(z >= threshold / 2)
        if z[first : last + 1].max() >= threshold
    )


def standardised(analysis: Analysis, *, with_season: bool) -> tuple[Array, Array]:
    """Points above the usual level, and the same in standard deviations of the noise: z.

    With `with_season` the season is removed first. One that is not accepted is not removed: it holds a
    part of every event, and repeats it in the other years.
    """
    adjusted = analysis.adjusted if with_season else analysis.values
    season, window = analysis.values - adjusted, LEVEL_WINDOWS[analysis.step]
    # Medians follow a lasting change of level at once; the trend of STL crosses it slowly.
    level, highest, lowest = _medians(adjusted, window)
    noise = _noise(adjusted - level, level, season, window=2 * window - 1)
    # Next to a step the median is an extreme value of the higher level.
    level = np.where(highest - lowest >= STEP * noise, highest, level)
    effects = adjusted - level
    return effects, effects / noise


def event_threshold(periods: int) -> float:
    """The z from which a date is an event in a series of that length."""
    return THRESHOLD + THRESHOLD_GROWTH * math.log(periods)


def _noise(effects: Array, level: Array, season: Array, *, window: int) -> Array:
    """The standard deviation of the noise at each period, in points.

    Noise grows with the level: the larger of that of the whole series and of the surroundings counts, and more at the
    height of a season.
    """
    deviations = np.abs(effects - np.median(effects))
    _, local, _ = _medians(deviations, window)
    deviation = np.maximum(local, max(float(np.median(deviations)), LEAST_DEVIATION))
    usual = float(np.quantile(effects, USUAL_SHARE)) / _NORMAL_USUAL
    growth = np.maximum(1 + season / np.maximum(level, 1), 1)
    return np.asarray(growth * np.maximum(_NORMAL * deviation, usual))


def _medians(values: Array, window: int) -> tuple[Array, Array, Array]:
    """At each value the median of the `window` values around it, and the highest and lowest of three medians: of those
    before it, around it and after it. The series is mirrored at its ends.
    """
    half = min(window // 2, len(values) - 1)
    around = median_filter(values, size=2 * half + 1, mode="mirror")
    extended = np.pad(around, half, mode="edge")
    before, after = extended[: len(values)], extended[2 * half :]
    highest = np.maximum(around, np.maximum(before, after))
    return around, highest, np.minimum(around, np.minimum(before, after))


def _runs(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """First and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]


def _event(first: int, last: int, effects: Array, z: Array) -> Event:
    index = first + int(np.argmax(z[first : last + 1]))
    return Event(index, first, last, float(effects[index]), float(z[index]))
