"""Prediction intervals: the spread of one series times multipliers learned over all series, on the interval scale.

The spread is a weighted sum of the residuals of the series' backtest, the disagreement of the combination's members,
the deviation of the last values from the very last one, the width of one point at the forecast's level, and a constant
for events that the series has not had yet. It is wider where few values are known. The multipliers differ by side,
level and step (learned.py), because tails are heavy and asymmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.common.comparison import Step
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals import learned
from services.forecaster.engine.intervals.learned import SpreadMultipliers
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.backtest import Backtest
from services.forecaster.engine.scale import BOUNDED, Scale

PRIOR_WINDOWS = 1.0  # weight of the prior variance, in windows
RECENT_POINTS = 8  # window of the recent deviation
# The number of known values at which the spread doubles. Set by hand: benchmarks/JOURNAL.md.
SMALL_SAMPLE_POINTS = 4
_ROUNDING_ERROR = 1e-9  # spreads below this are 0
LONG_SEASONS = 2  # years of weeks or months from which a series counts as long


@dataclass(frozen=True)
class Intervals:
    """Point forecasts with their intervals, one entry per step: lower95 ≤ lower80 ≤ value ≤ upper80 ≤ upper95."""

    value: Array
    lower80: Array
    upper80: Array
    lower95: Array
    upper95: Array


@dataclass(frozen=True)
class Spread:
    """The spread of a series' errors per step on the interval scale, and its multipliers."""

    steps: Array
    multipliers: SpreadMultipliers
    scale: Scale = BOUNDED


def choose_multipliers(step: Step, periodicity: Periodicity, known: int, scale: Scale = BOUNDED) -> SpreadMultipliers:
    """The learned multipliers for a series of this step and number of known values."""
    if not scale.bounded:
        return learned.UNBOUNDED
    yearly = step in (Step.WEEKLY, Step.MONTHLY)
    return learned.LONG if yearly and known >= LONG_SEASONS * periodicity.season else learned.SHORT


def forecast_spread(
    backtest: Backtest,
    values: Array,
    path: Array,
    disagreement: Array,
    multipliers: SpreadMultipliers,
    *,
    horizon: int | None = None,
    scale: Scale = BOUNDED,
) -> Spread:
    """The spread at each step of `path`, from the backtest's residuals, the known values and the members' disagreement.

    The level for the width of a point is the mean over the first `horizon` steps, by default over the whole path.
    """
    odds = scale.to_logit(values)
    own = residual_spread(scale.to_logit(backtest.actuals) - scale.to_logit(backtest.forecasts), odds, path)
    point = point_width(path[:horizon], scale)
    steps = combine_spread(own, disagreement, recent_deviation(odds), point, multipliers)
    # Without bounds the event constant is 0, so a constant series would have no spread.
    return Spread(
        small_sample_factor(len(values)) * np.where(steps > _ROUNDING_ERROR, steps, point), multipliers, scale
    )


def combine_spread(
    own: Array, disagreement: Array, deviation: float, point: float, multipliers: SpreadMultipliers
) -> Array:
    """The weighted sum of the spread's parts at each step, on the interval scale, without the small-sample factor."""
    level = multipliers.recent_deviation * deviation + multipliers.point * point + multipliers.event
    return np.asarray(own + multipliers.disagreement * disagreement + level)


def small_sample_factor(known: int) -> float:
    """The factor that widens the spread of a series with `known` values."""
    return 1 + SMALL_SAMPLE_POINTS / known


def residual_spread(errors: Array, values: Array, path: Array) -> Array:
    """Root mean square residuals at each step of `path`, on the interval scale.

    `errors` has one row per backtest window. Their mean squares are fitted as a + b × step and shrunk towards the
    variance of a random walk, capped by the series' own variance; the prior weighs PRIOR_WINDOWS windows.
    """
    ahead = np.arange(1, len(path) + 1, dtype=np.float64)
    prior = _prior_variances(values, ahead)
    windows = len(errors)
    if not windows:
        return np.sqrt(prior)
    constant, slope = _line(np.mean(errors**2, axis=0))
    fitted = constant + slope * np.minimum(ahead, errors.shape[1])
    return np.asarray(np.sqrt((windows * fitted + PRIOR_WINDOWS * prior) / (windows + PRIOR_WINDOWS)))


def recent_deviation(odds: Array) -> float:
    """Mean absolute deviation of the last values from the very last one, on the interval scale."""
    return float(np.abs(odds[-RECENT_POINTS:] - odds[-1]).mean())


def point_width(path: Array, scale: Scale = BOUNDED) -> float:
    """Width of one point (one per cent of the largest value) at the path's level, on the interval scale."""
    level = float(path.mean())
    low, high = scale.to_logit(scale.clip(np.array([level - 0.5 * scale.unit, level + 0.5 * scale.unit])))
    return float(high - low)


def make_intervals(value: Array, spread: Spread) -> Intervals:
    """Intervals around point forecasts, one per step of the spread, within the scale's bounds."""
    scale, multipliers = spread.scale, spread.multipliers
    ahead = np.arange(1, len(value) + 1, dtype=np.float64)
    value = scale.clip(value)
    middle = scale.to_logit(value)
    edges = [
        scale.from_logit(middle + sign * base * ahead**growth * spread.steps)
        for sign, base, growth in zip((-1, -1, 1, 1), multipliers.base, multipliers.growth, strict=True)
    ]
    # Enforces the order: the conversions round, and the growth differs by level.
    lower80, upper80 = np.minimum(edges[1], value), np.maximum(edges[2], value)
    return Intervals(value, lower80, upper80, np.minimum(edges[0], lower80), np.maximum(edges[3], upper80))


def _prior_variances(values: Array, ahead: Array) -> Array:
    change = float(np.mean(np.diff(values) ** 2)) if len(values) > 1 else 0.0
    return np.minimum(change * ahead, max(2 * float(np.var(values)), change))


def _line(squares: Array) -> tuple[float, float]:
    """Least squares of a + b × step through mean squares, with a and b at least 0."""
    ahead = np.arange(1, len(squares) + 1, dtype=np.float64)
    centred = ahead - ahead.mean()
    slope = float(centred @ squares / (centred @ centred)) if len(ahead) > 1 else 0.0
    constant = float(squares.mean() - slope * ahead.mean())
    if slope < 0:
        return float(squares.mean()), 0.0
    if constant < 0:
        return 0.0, float(ahead @ squares / (ahead @ ahead))
    return constant, slope
