"""Prediction intervals: this series' own errors, on a scale with bounds, times what all series' errors have shown.

The spread of a forecast is what its series' backtest measured; what its members disagree by, which tells a forecast
that could go either way from one that could not; how far the last values lie from the very last, which is most of what
a short series tells; and two amounts that even the calmest need: one for a point more or less at its level, and one for
the event that it has not had yet. All of it is wider where few values are known. How many spreads an interval reaches,
on each side and at each level and step, is learned over all sources (learned.py): tails are heavy and lopsided, and no
one factor fits both levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.common.comparison import Step
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals import learned
from services.forecaster.engine.intervals.learned import Reach
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.backtest import Backtest
from services.forecaster.engine.scale import BOUNDED, Scale

PRIOR_WINDOWS = 1.0  # what the prior weighs, in windows
RECENT = 8  # values that tell how restless a series is: 4 and 16 did nearly as well
# With so many values known a spread is twice as wide. By hand: 95 % intervals of series of 4 values covered 85 without,
# 93 with 4 and 95 with 8, which left those of a year of weeks too narrow.
FEW = 4
_NOTHING = 1e-9  # a spread of rounding alone
LONG_SEASONS = 2  # with so many years of weeks or months the yearly season is known


@dataclass(frozen=True)
class Bands:
    """Point forecasts with their intervals, one entry per step: lower95 ≤ lower80 ≤ value ≤ upper80 ≤ upper95."""

    value: Array
    lower80: Array
    upper80: Array
    lower95: Array
    upper95: Array


@dataclass(frozen=True)
class Spread:
    """How far a series errs on the scale of intervals, per step; and what it is multiplied with."""

    steps: Array
    reach: Reach
    scale: Scale = BOUNDED


def choose_reach(step: Step, periodicity: Periodicity, known: int, scale: Scale = BOUNDED) -> Reach:
    """The learned multiples for a series of that step and length."""
    if not scale.bounded:
        return learned.UNBOUNDED
    yearly = step in (Step.WEEKLY, Step.MONTHLY)
    return learned.LONG if yearly and known >= LONG_SEASONS * periodicity.season else learned.SHORT


def error_spread(
    backtest: Backtest,
    values: Array,
    path: Array,
    disagreement: Array,
    reach: Reach,
    *,
    horizon: int | None = None,
    scale: Scale = BOUNDED,
) -> Spread:
    """The spread at each step of `path`, from the backtest's errors, the values known and the members' disagreement.

    Its level is that of the `horizon`; without one, of the whole path.
    """
    odds = scale.to_odds(values)
    own = own_errors(scale.to_odds(backtest.actuals) - scale.to_odds(backtest.forecasts), odds, path)
    point = size_of_a_point(path[:horizon], scale)
    steps = sum_up(own, disagreement, unrest(odds), point, reach)
    # Without bounds nothing is added for events: a series that never changed has not told by how much it will.
    return Spread(scarcity(len(values)) * np.where(steps > _NOTHING, steps, point), reach, scale)


def sum_up(own: Array, disagreement: Array, restless: float, point: float, reach: Reach) -> Array:
    """The spread at each step, from its parts on the scale of intervals, where enough is known."""
    level = reach.unrest * restless + reach.point * point + reach.event
    return np.asarray(own + reach.disagreement * disagreement + level)


def scarcity(known: int) -> float:
    """How much wider a spread is when its parts were measured on so few values."""
    return 1 + FEW / known


def own_errors(errors: Array, values: Array, path: Array) -> Array:
    """Root mean square errors at each step of `path`, all on the scale of intervals.

    `errors` has one row per backtest window. Their mean square is fitted as a + b × step and drawn towards a random
    walk's that stays within the series' own spread: the fewer the windows, the more.
    """
    ahead = np.arange(1, len(path) + 1, dtype=np.float64)
    prior = _prior_variances(values, ahead)
    windows = len(errors)
    if not windows:
        return np.sqrt(prior)
    constant, slope = _line(np.mean(errors**2, axis=0))
    fitted = constant + slope * np.minimum(ahead, errors.shape[1])
    return np.asarray(np.sqrt((windows * fitted + PRIOR_WINDOWS * prior) / (windows + PRIOR_WINDOWS)))


def unrest(odds: Array) -> float:
    """How far the last values lie from the very last, on the scale of intervals."""
    return float(np.abs(odds[-RECENT:] - odds[-1]).mean())


def size_of_a_point(path: Array, scale: Scale = BOUNDED) -> float:
    """How wide one point (one per cent of the largest value) is at the path's level, on the scale of intervals."""
    level = float(path.mean())
    low, high = scale.to_odds(scale.cut(np.array([level - 0.5 * scale.unit, level + 0.5 * scale.unit])))
    return float(high - low)


def make_bands(value: Array, spread: Spread) -> Bands:
    """Intervals around point forecasts, one per step of the spread, within the scale's bounds."""
    scale, reach = spread.scale, spread.reach
    ahead = np.arange(1, len(value) + 1, dtype=np.float64)
    value = scale.cut(value)
    middle = scale.to_odds(value)
    edges = [
        scale.from_odds(middle + sign * base * ahead**growth * spread.steps)
        for sign, base, growth in zip((-1, -1, 1, 1), reach.base, reach.growth, strict=True)
    ]
    # The way there and back rounds, and the levels' growths differ.
    lower80, upper80 = np.minimum(edges[1], value), np.maximum(edges[2], value)
    return Bands(value, lower80, upper80, np.minimum(edges[0], lower80), np.maximum(edges[3], upper80))


def _prior_variances(values: Array, ahead: Array) -> Array:
    change = float(np.mean(np.diff(values) ** 2)) if len(values) > 1 else 0.0
    return np.minimum(change * ahead, max(2 * float(np.var(values)), change))


def _line(squares: Array) -> tuple[float, float]:
    """Least squares of a + b × step through mean squares, neither of them negative."""
    ahead = np.arange(1, len(squares) + 1, dtype=np.float64)
    centred = ahead - ahead.mean()
    slope = float(centred @ squares / (centred @ centred)) if len(ahead) > 1 else 0.0
    constant = float(squares.mean() - slope * ahead.mean())
    if slope < 0:
        return float(squares.mean()), 0.0
    if constant < 0:
        return 0.0, float(ahead @ squares / (ahead @ ahead))
    return constant, slope
