"""The forecast: at each step the weighted median of ten to fourteen simple ones that err in different ways.

On the real exports, weights learned over series did not hold for sources that they were not learned from; a median did,
and somewhat better when members that erred more in this series' own backtest weigh less. Two of them are naive where
there is no season, which draws a doubtful forecast there.
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

LEAST_KNOWN = 8  # values; with fewer it is naive
QUANTILES = (0.25, 0.5)  # of all that is known: where a series comes back to after its events
RIGOUR = 2.5  # how fast trust falls with a member's error over the best's: 2 to 3 did about as well
LEAST_SLOPED = 2  # seasons known before a long-run slope is told from the season
_SETTLING = 4  # first values whose errors say more about the start than about a parameter set


def members(
    values: Array, periodicity: Periodicity, origins: Sequence[int], steps: int, *, horizon: int | None = None
) -> Array:
    """Each member's forecasts from each origin, `steps` ahead: (members, origins, steps),
    ten members, one for each calm level and, where any origin knows two seasons, three with a slope.

    `values` and the forecasts are on a scale of the engine's. An origin is the number of values known, LEAST_KNOWN at
    least; what lies behind it is not looked at. How smoothing weighs is measured over the `horizon`, whose forecast is
    then the same however many steps follow it; without one, over all steps.
    """
    seasonal = has_season(max(origins), periodicity)
    # Without a season what is smoothed is the same for every origin, and one row does for all.
    profiles = [season_profile(values[:origin], periodicity) for origin in origins] if seasonal else [np.zeros(1)]
    rows = np.array([values - _repeated(profile, 0, len(values)) for profile in profiles])
    row_of = np.arange(len(origins)) if seasonal else np.zeros(len(origins), dtype=np.intp)
    known = [rows[row, :origin] for row, origin in zip(row_of, origins, strict=True)]
    levels = np.array([_levels(each, periodicity.spans) for each in known]).T[:, :, None]
    seasons = np.array([_repeated(profiles[row], origin, steps) for row, origin in zip(row_of, origins, strict=True)])
    naive = np.broadcast_to(values[np.array(origins) - 1][:, None], (1, *seasons.shape))
    smoothed = _smoothed(rows, row_of, np.array(origins), steps, horizon=horizon or steps, calm=periodicity.calm)
    parts = [levels + seasons, smoothed + seasons, naive]
    if seasonal and max(origins) >= LEAST_SLOPED * periodicity.season:
        slopes = np.array([_slopes(each, periodicity.season) for each in known]).T[:, :, None]
        parts.append(smoothed[0] + slopes * np.arange(1, steps + 1) + seasons)
    return np.concatenate(parts)


def trust(errors: Array) -> Array:
    """What each member weighs, from the mean absolute errors of each, on the engine's scale: (members,)."""
    return np.asarray(np.exp(RIGOUR * (1 - (errors + NOISE) / (errors.min() + NOISE))))


def weighted_median(forecasts: Array, weight: Array) -> Array:
    """At each place the value that half of the weight lies below, interpolated: (…) from (members, …).

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
    """How far members lie from what they were combined to, mean by weight, on the scale of intervals: (…).

    `forecasts` are (members, …) on the scale that they are made on, `combined` (…) in points.
    """
    apart = np.abs(scale.to_odds(scale.from_log(forecasts)) - scale.to_odds(combined))
    return np.asarray(np.tensordot(weight / weight.sum(), apart, axes=1))


def _levels(known: Array, spans: tuple[int, ...]) -> list[float]:
    """The last value, medians of the last so many, and quantiles of all."""
    medians = [_quantile(np.sort(known[-span:]), 0.5) for span in spans]
    ranked = np.sort(known)
    return [float(known[-1]), *medians, *(_quantile(ranked, share) for share in QUANTILES)]


def _slopes(known: Array, season: int) -> list[float]:
    """Change per step, from changes over a season: the mean of the last season's, the median of the last two seasons'
    and that of all (as by Theil and Sen). 0 where no season lies behind the last value."""
    changes = (known[season:] - known[:-season]) / season
    if not len(changes):
        return [0.0, 0.0, 0.0]
    medians = (_quantile(np.sort(some), 0.5) for some in (changes[-2 * season :], changes))
    return [float(changes[-season:].mean()), *medians]


def _smoothed(
    rows: Array, row_of: Places, origins: Places, steps: int, *, horizon: int, calm: tuple[float, ...]
) -> Array:
    """Means over the parameter sets, weighed by their errors so far: without a trend and with, by the errors over the
    horizon; with a trend, by those of one step. Then each calm level alone."""
    levels, trends = smooth(rows)
    count = len(origins)
    one_step = np.zeros((count, GRID.level.size))
    over_horizon = np.zeros((count, GRID.level.size))
    longest = max(1, min(horizon, int(origins.min()) // 3))
    for ahead in sorted({1, (longest + 1) // 2, longest}):
        running = past_errors(rows, levels, trends, ahead=ahead)
        settled = min(_SETTLING + ahead, len(running))
        sums = running[origins - 1, row_of] - running[settled - 1, row_of]
        errors = sums / np.maximum(origins - settled, 1)[:, None] + NOISE
        share = errors / errors.mean(axis=1, keepdims=True)
        over_horizon += share
        one_step = share if ahead == 1 else one_step
    level, trend = levels[origins - 1, row_of], trends[origins - 1, row_of]
    paths = level[:, None] + trend[:, None] * GRID.reach(steps)
    flat = np.sum(level[:, :FLAT] * weights(over_horizon[:, :FLAT]), axis=1)
    return np.stack(
        (
            np.repeat(flat[:, None], steps, axis=1),
            np.sum(paths * weights(over_horizon)[:, None], axis=2),
            np.sum(paths * weights(one_step)[:, None], axis=2),
            *(np.repeat(level[:, LEVELS.index(share), None], steps, axis=1) for share in calm),
        )
    )


def _repeated(profile: Array, start: int, count: int) -> Array:
    return profile[np.arange(start, start + count) % len(profile)]


def _quantile(ranked: Array, share: float) -> float:
    """Of sorted values, with interpolation: np.quantile costs more than the rest of a member."""
    place = share * (len(ranked) - 1)
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return float(ranked[low] + (place - low) * (ranked[high] - ranked[low]))
