"""The point forecast: at each step the weighted median of ten to fourteen simple forecasts, the members.

Members with larger errors in this series' own backtest weigh less. Weights learned over series did not hold for other
sources (benchmarks/JOURNAL.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.seasonality import has_season, season_profile
from services.forecaster.engine.points.smoothing import FLAT, GRID, LEVELS, NOISE, past_errors, smooth, weights
from services.forecaster.engine.scale import Scale

Places = NDArray[np.intp]

MIN_POINTS_COMBINED = 8  # a shorter series gets the naive forecast
QUANTILES = (0.25, 0.5)  # of all known values: the level to which a series returns after events
WEIGHT_SHARPNESS = 2.5  # how fast a weight falls with the member's error relative to the best
MIN_SEASONS_FOR_SLOPE = 2  # known seasons from which a long-run slope can be separated from the season
_BURN_IN = 4  # first values, whose errors depend on the initial level


def members(
    values: Array, periodicity: Periodicity, origins: Sequence[int], steps: int, *, horizon: int | None = None
) -> Array:
    """Each member's forecasts from each origin, `steps` ahead: shape (members, origins, steps).

    There are ten members, one for each fixed smoothing level and, where any origin has two known seasons, three with a
    slope. `values` and the forecasts are on the logarithmic scale. An origin is the number of known values, at least
    MIN_POINTS_COMBINED; later values are not used. The weights within smoothing are measured over the `horizon` (by
    default all steps), so that its forecast does not depend on `steps`.
    """
    seasonal = has_season(max(origins), periodicity)
    # Without a season the smoothed series is the same for every origin, so one row is enough.
    profiles = [season_profile(values[:origin], periodicity) for origin in origins] if seasonal else [np.zeros(1)]
    rows = np.array([values - _repeated(profile, 0, len(values)) for profile in profiles])
    row_of = np.arange(len(origins)) if seasonal else np.zeros(len(origins), dtype=np.intp)
    known = [rows[row, :origin] for row, origin in zip(row_of, origins, strict=True)]
    levels = np.array([_levels(each, periodicity.median_windows) for each in known]).T[:, :, None]
    seasons = np.array([_repeated(profiles[row], origin, steps) for row, origin in zip(row_of, origins, strict=True)])
    naive = np.broadcast_to(values[np.array(origins) - 1][:, None], (1, *seasons.shape))
    smoothed = _smoothed(
        rows, row_of, np.array(origins), steps, horizon=horizon or steps, fixed_levels=periodicity.fixed_levels
    )
    parts = [levels + seasons, smoothed + seasons, naive]
    if seasonal and max(origins) >= MIN_SEASONS_FOR_SLOPE * periodicity.season:
        slopes = np.array([_slopes(each, periodicity.season) for each in known]).T[:, :, None]
        parts.append(smoothed[0] + slopes * np.arange(1, steps + 1) + seasons)
    return np.concatenate(parts)


def member_weights(errors: Array) -> Array:
    """The members' weights from their mean absolute errors on the logarithmic scale: (members,)."""
    return np.asarray(np.exp(WEIGHT_SHARPNESS * (1 - (errors + NOISE) / (errors.min() + NOISE))))


def weighted_median(forecasts: Array, weight: Array) -> Array:
    """The weighted median over the first axis, interpolated: (…) from (members, …).

    With equal weights it is the median.
    """
    order = np.argsort(forecasts, axis=0, kind="stable")
    ranked, share = np.take_along_axis(forecasts, order, axis=0), weight[order]
    place = (np.cumsum(share, axis=0) - share / 2) / share.sum(axis=0)
    above = np.clip(np.argmax(place >= 0.5, axis=0), 1, len(weight) - 1)[None]
    low, high = (np.take_along_axis(place, index, axis=0)[0] for index in (above - 1, above))
    start, end = (np.take_along_axis(ranked, index, axis=0)[0] for index in (above - 1, above))
    return np.asarray(start + np.clip((0.5 - low) / (high - low), 0, 1) * (end - start))


def disagreement(forecasts: Array, combined: Array, weight: Array, scale: Scale) -> Array:
    """Weighted mean distance of the members from their combination, on the interval scale: (…).

    `forecasts` are (members, …) on the logarithmic scale, `combined` (…) in points.
    """
    apart = np.abs(scale.to_logit(scale.from_log(forecasts)) - scale.to_logit(combined))
    return np.asarray(np.tensordot(weight / weight.sum(), apart, axes=1))


def _levels(known: Array, median_windows: tuple[int, ...]) -> list[float]:
    """The last value, the medians of the last windows, and quantiles of all known values."""
    medians = [_quantile(np.sort(known[-span:]), 0.5) for span in median_windows]
    ranked = np.sort(known)
    return [float(known[-1]), *medians, *(_quantile(ranked, share) for share in QUANTILES)]


def _slopes(known: Array, season: int) -> list[float]:
    """Changes per step, from changes over a season: the mean over the last season, the medians over the last two and
    over all (as by Theil and Sen). 0 for a series of at most one season."""
    changes = (known[season:] - known[:-season]) / season
    if not len(changes):
        return [0.0, 0.0, 0.0]
    medians = (_quantile(np.sort(some), 0.5) for some in (changes[-2 * season :], changes))
    return [float(changes[-season:].mean()), *medians]


def _smoothed(
    rows: Array, row_of: Places, origins: Places, steps: int, *, horizon: int, fixed_levels: tuple[float, ...]
) -> Array:
    """Means over the parameter sets, weighted by past errors: without trend and with trend by errors over the horizon,
    with trend by one-step errors. Then each fixed level alone."""
    levels, trends = smooth(rows)
    count = len(origins)
    one_step = np.zeros((count, GRID.level.size))
    over_horizon = np.zeros((count, GRID.level.size))
    longest = max(1, min(horizon, int(origins.min()) // 3))
    for ahead in sorted({1, (longest + 1) // 2, longest}):
        running = past_errors(rows, levels, trends, ahead=ahead)
        settled = min(_BURN_IN + ahead, len(running))
        sums = running[origins - 1, row_of] - running[settled - 1, row_of]
        errors = sums / np.maximum(origins - settled, 1)[:, None] + NOISE
        share = errors / errors.mean(axis=1, keepdims=True)
        over_horizon += share
        one_step = share if ahead == 1 else one_step
    level, trend = levels[origins - 1, row_of], trends[origins - 1, row_of]
    paths = level[:, None] + trend[:, None] * GRID.trend_sums(steps)
    flat = np.sum(level[:, :FLAT] * weights(over_horizon[:, :FLAT]), axis=1)
    return np.stack(
        (
            np.repeat(flat[:, None], steps, axis=1),
            np.sum(paths * weights(over_horizon)[:, None], axis=2),
            np.sum(paths * weights(one_step)[:, None], axis=2),
            *(np.repeat(level[:, LEVELS.index(share), None], steps, axis=1) for share in fixed_levels),
        )
    )


def _repeated(profile: Array, start: int, count: int) -> Array:
    return profile[np.arange(start, start + count) % len(profile)]


def _quantile(ranked: Array, share: float) -> float:
    """The interpolated quantile of sorted values; np.quantile takes longer than the rest of a member."""
    place = share * (len(ranked) - 1)
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return float(ranked[low] + (place - low) * (ranked[high] - ranked[low]))
