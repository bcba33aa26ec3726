"""How two forecast terms stand to each other over the horizon: simulated together, many times."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from services.forecaster.engine.bundle.rounding import rounded
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.intervals.learned import TOGETHER
from services.forecaster.engine.types import JsonObject, Outlook, TermForecast

LOW_RISK = 0.15  # probability that the lead changes at some date: below it low, …
MEDIUM_RISK = 0.35  # … below this medium, else high
DRAWS = 2000  # and their mirror images: P is then off by 0.8 points at most two times in three
PRIOR_WINDOWS = 6.0  # what no correlation weighs, in windows
_ROUNDED = 9  # decimals in which means are compared: rounding makes no winner


def head_to_head(a: TermForecast, b: TermForecast) -> JsonObject | None:
    """The contract's `headToHead`, B seen from A; None for terms that were scaled apart.

    Both paths are drawn from the distributions behind their intervals. A path errs mostly one way, and the two terms'
    errors go together as far as they did in the windows of their backtests. The seed is a hash of what is drawn from.
    """
    one, other = a.outlook, b.outlook
    if one.scaled_apart or other.scaled_apart:
        return None
    forecast_a, forecast_b = Distribution(np.array(one.quantiles)), Distribution(np.array(other.quantiles))
    scores_a, scores_b = _scores(one, other)
    paths = np.round(forecast_b.at(scores_b) - forecast_a.at(scores_a), _ROUNDED)
    margins = np.round(paths.mean(axis=1), _ROUNDED)
    current = other.last_value - one.last_value
    return {
        "winnerProbability": rounded(100 * float(_share_above(margins))),
        # The median: the probability says on whose side of 0 it lies. A mean, which follows the tails, erred by up to
        # a fifth more on real pairs.
        "expectedMargin": rounded(float(np.median(margins))),
        "leadChangeRisk": _risk(paths, current),
        "currentMargin": rounded(current),
        "crossoverDate": _crossover(one.dates, paths, current),
    }


def _scores(one: Outlook, other: Outlook) -> tuple[Array, Array]:
    """Normal scores of both terms' errors: (draws, steps) each, half of them the negatives of the others."""
    steps = len(one.dates)
    paths, steps_apart = np.split(_draws(one, other).standard_normal((2, DRAWS, steps + 1)), [1], axis=2)
    together = _correlation(one, other)
    drawn = math.sqrt(TOGETHER) * paths + math.sqrt(1 - TOGETHER) * steps_apart
    mixed = together * drawn[0] + math.sqrt(1 - together**2) * drawn[1]
    return np.concatenate((drawn[0], -drawn[0])), np.concatenate((mixed, -mixed))


def _draws(one: Outlook, other: Outlook) -> np.random.Generator:
    # Rounded: what two machines make of the same series differs in the last bits, and must not in the seed.
    numbers = [np.round(np.array(outlook.quantiles), 4) + 0.0 for outlook in (one, other)]
    seed = hashlib.sha256(b"".join(array.tobytes() for array in numbers)).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed[:16], "big")))


def _correlation(one: Outlook, other: Outlook) -> float:
    """Of the two terms' errors in the windows that both have, drawn towards 0: the fewer windows, the more."""
    others = dict(other.window_errors)
    pairs = [(error, others[origin]) for origin, error in one.window_errors if origin in others]
    errors = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    scale = math.sqrt(float(np.sum(errors[:, 0] ** 2)) * float(np.sum(errors[:, 1] ** 2)))
    if scale == 0:
        return 0.0
    return float(np.sum(errors[:, 0] * errors[:, 1])) / scale * len(pairs) / (len(pairs) + PRIOR_WINDOWS)


def _share_above(margins: Array) -> Array:
    """Of draws in which B is ahead, ties by half; along the first axis."""
    return np.asarray(np.mean(margins > 0, axis=0) + np.mean(margins == 0, axis=0) / 2)


def _risk(paths: Array, current: float) -> str:
    """Of another leader than today's at some date; where nobody leads today, than the one likelier to lead."""
    a_leads, b_leads = (float(np.mean(ahead.any(axis=1))) for ahead in (paths < 0, paths > 0))
    changes = a_leads if current > 0 else b_leads if current < 0 else min(a_leads, b_leads)
    return "low" if changes < LOW_RISK else "medium" if changes < MEDIUM_RISK else "high"


def _crossover(dates: tuple[str, ...], margins: Array, current: float) -> str | None:
    """The first date by which the other term is likelier ahead than today's leader; None where nobody leads today."""
    behind = 1 - _share_above(margins) if current > 0 else _share_above(margins)
    for date, probability in zip(dates, behind, strict=True):
        if current and probability > 0.5:
            return date
    return None
