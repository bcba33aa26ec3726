"""Finds launches and lasting changes of a level. Nothing here knows about seasons."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from services.forecaster.engine.history import Array

# Chosen on synthetic series and on false alarms (benchmarks/forecast/synthetic); real exports decide nothing here.
LASTING_SHARE = 0.9  # of the values before and of those after, beyond the midpoint of both levels
SEPARATION = 7.0  # least distance of both levels, in mean absolute deviations from them
LEAST_CHANGE = 0.2  # least distance of both levels on the logarithmic scale: a fifth
LEADING_ZEROS = 4  # fewest periods at 0 to 1 before a launch
LAUNCH_SHARE = 0.75  # of the values since a launch, beyond the midpoint; lower, because launches are often gradual
HIGHEST_ZERO = 1.0  # points; values up to it count as zeros
_ROUNDING = 0.01  # half a point at level 50, on the logarithmic scale
_MEDIAN_OF = 5


def find_launch(values: Array, logs: Array) -> int:
    """The index of the first value of a launch: leading zeros end, and a level follows. 0 without a launch.

    `values` in points and the same as `logs` on the logarithmic scale, both (points,).
    """
    [above] = np.nonzero(values > HIGHEST_ZERO)
    first = int(above[0]) if above.size else 0
    if first < LEADING_ZEROS or len(values) - first < LEADING_ZEROS:
        return 0
    middle = (np.median(logs[:first]) + np.median(logs[first:])) / 2
    return first if np.mean(logs[first:] > middle) >= LAUNCH_SHARE else 0


def find_last_change(logs: Array, window: int) -> int:
    """The index of the first value after the last lasting change of the level. 0 without a change.

    `logs` are on the logarithmic scale, (points,). The level before is that of the last `window` values, the level
    after that of all values, at least `window`. Each search takes the split that explains most variance, and continues
    after it.
    """
    smooth, start = _running_medians(logs), 0
    while split := _best_split(smooth[start:], window):
        if not is_lasting(smooth[start : start + split][-window:], smooth[start + split :]):
            break
        start += split
    return start


def is_lasting(before: Array, after: Array) -> bool:
    """Whether the levels, which are medians, differ and the values on both sides keep apart."""
    level_before, level_after = float(np.median(before)), float(np.median(after))
    distance, middle = level_after - level_before, (level_before + level_after) / 2
    deviations = np.concatenate((np.abs(before - level_before), np.abs(after - level_after)))
    apart = min(np.mean((middle - before) * distance > 0), np.mean((after - middle) * distance > 0))
    least = max(LEAST_CHANGE, SEPARATION * (float(deviations.mean()) + _ROUNDING))
    return bool(apart >= LASTING_SHARE and abs(distance) >= least)


def _best_split(values: Array, window: int) -> int:
    """The split with most variance between both parts relative to that within them; 0 where there is no room."""
    count = len(values)
    split = np.arange(window, count - window + 1)
    if not split.size:
        return 0
    sums, squares = (np.concatenate(([0.0], np.cumsum(powers))) for powers in (values, values**2))
    first, after = split - window, count - split
    sum_before, sum_after = sums[split] - sums[first], sums[-1] - sums[split]
    within = squares[-1] - squares[first] - sum_before**2 / window - sum_after**2 / after
    between = (sum_after / after - sum_before / window) ** 2 * window * after / (window + after)
    return int(split[np.argmax(between / (np.maximum(within, 0) + _ROUNDING**2 * (window + after)))])


def _running_medians(values: Array) -> Array:
    """Medians of five, which keep steps and remove single peaks."""
    padded = np.pad(values, _MEDIAN_OF // 2, mode="edge")
    return np.asarray(np.median(sliding_window_view(padded, _MEDIAN_OF), axis=1))
