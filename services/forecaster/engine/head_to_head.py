"""How two forecast terms stand to each other over the horizon."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from services.forecaster.engine.intervals import PRIOR_WINDOWS
from services.forecaster.engine.numbers import rounded
from services.forecaster.engine.types import JsonObject, Outlook, TermForecast

LOW_RISK = 0.15  # probability that the lead changes: below it low, …
MEDIUM_RISK = 0.35  # … below this medium, else high


def head_to_head(a: TermForecast, b: TermForecast) -> JsonObject | None:
    """The contract's `headToHead`, B seen from A; None for terms that were scaled apart.

    The probability is that of a normal difference of the horizon's means, whose spread takes into account how far the
    two terms' backtest errors went together.
    """
    one, other = a.outlook, b.outlook
    if one.scaled_apart or other.scaled_apart:
        return None
    margin = float(np.mean(other.values) - np.mean(one.values))
    wins_b = _normal_share(margin, _sd_of_difference(one, other))
    current = other.last_value - one.last_value
    return {
        "winnerProbability": rounded(100 * wins_b),
        "expectedMargin": rounded(margin),
        "leadChangeRisk": _risk(current, wins_b),
        "currentMargin": rounded(current),
        "crossoverDate": _crossover(one, other, current),
    }


def _sd_of_difference(one: Outlook, other: Outlook) -> float:
    together = _correlation(one, other) * one.horizon_sd * other.horizon_sd
    return math.sqrt(max(0.0, one.horizon_sd**2 + other.horizon_sd**2 - 2 * together))


def _correlation(one: Outlook, other: Outlook) -> float:
    """Of the two terms' errors in the windows that both have, drawn towards 0: the fewer windows, the more."""
    others = dict(other.window_errors)
    pairs = [(error, others[origin]) for origin, error in one.window_errors if origin in others]
    errors = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    scale = math.sqrt(float(np.sum(errors[:, 0] ** 2)) * float(np.sum(errors[:, 1] ** 2)))
    if scale == 0:
        return 0.0
    return float(np.sum(errors[:, 0] * errors[:, 1])) / scale * len(pairs) / (len(pairs) + PRIOR_WINDOWS)


def _normal_share(margin: float, sd: float) -> float:
    """P(difference > 0), a tie by half."""
    if sd == 0:
        return 0.5 if margin == 0 else float(margin > 0)
    return NormalDist(0, sd).cdf(margin)


def _risk(current: float, wins_b: float) -> str:
    """Of another leader over the horizon than today's; where nobody leads today, of the less likely one."""
    changes = min(wins_b, 1 - wins_b) if current == 0 else 1 - wins_b if current > 0 else wins_b
    return "low" if changes < LOW_RISK else "medium" if changes < MEDIUM_RISK else "high"


def _crossover(one: Outlook, other: Outlook, current: float) -> str | None:
    """The first date on which the forecasts have the other term ahead; None where nobody leads today."""
    for date, a, b in zip(one.dates, one.values, other.values, strict=True):
        if (b - a) * current < 0:
            return date
    return None
