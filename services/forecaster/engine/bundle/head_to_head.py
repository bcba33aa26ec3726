"""Compares two forecast terms over the horizon by simulating joint paths."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from services.forecaster.engine.bundle.rounding import rounded
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.intervals.learned import PATH_STEP_CORRELATION
from services.forecaster.engine.types import HeadToHeadInput, JsonObject, TermForecast

LOW_RISK = 0.15  # probability that the lead changes at some date: below this low, …
MEDIUM_RISK = 0.35  # … below this medium, else high
DRAWS = 2000  # plus their antithetic draws; the standard error of P is below 0.8 points
PRIOR_WINDOWS = 6.0  # weight of the prior, no correlation, in windows
_DECIMALS = 9  # of compared means, so that rounding errors decide no winner
_MARGIN = {"value": 0.5, "lower80": 0.1, "upper80": 0.9, "lower95": 0.025, "upper95": 0.975}  # quantiles of the paths


def head_to_head(a: TermForecast, b: TermForecast) -> JsonObject | None:
    """The contract's `headToHead`, B seen from A; None for terms that were scaled apart.

    Both paths are drawn from the distributions behind the intervals. Errors are correlated between steps, and between
    the terms as in the windows of their backtests. The seed is a hash of the distributions.
    """
    one, other = a.head_to_head_input, b.head_to_head_input
    if one.scaled_apart or other.scaled_apart:
        return None
    forecast_a, forecast_b = Distribution(np.array(one.quantiles)), Distribution(np.array(other.quantiles))
    scores_a, scores_b = _scores(one, other)
    paths = np.round(forecast_b.at(scores_b) - forecast_a.at(scores_a), _DECIMALS)
    margins = np.round(paths.mean(axis=1), _DECIMALS)
    current = other.last_value - one.last_value
    return {
        "winnerProbability": rounded(100 * float(_probability_b_leads(margins))),
        # The median agrees in sign with the probability, and its error is up to a fifth lower than the mean's.
        "expectedMargin": rounded(float(np.median(margins))),
        "leadChangeRisk": _risk(paths, current),
        "currentMargin": rounded(current),
        "crossoverDate": _crossover(one.dates, paths, current),
        "margin": _margin(one.dates, paths),
    }


def _scores(one: HeadToHeadInput, other: HeadToHeadInput) -> tuple[Array, Array]:
    """Normal scores of both terms' errors: (draws, steps) each, half of them the negatives of the others."""
    steps = len(one.dates)
    paths, steps_apart = np.split(_draws(one, other).standard_normal((2, DRAWS, steps + 1)), [1], axis=2)
    together = _correlation(one, other)
    drawn = math.sqrt(PATH_STEP_CORRELATION) * paths + math.sqrt(1 - PATH_STEP_CORRELATION) * steps_apart
    mixed = together * drawn[0] + math.sqrt(1 - together**2) * drawn[1]
    return np.concatenate((drawn[0], -drawn[0])), np.concatenate((mixed, -mixed))


def _draws(one: HeadToHeadInput, other: HeadToHeadInput) -> np.random.Generator:
    # Rounded, because the last bits differ between machines and the seed must not.
    numbers = [np.round(np.array(head_to_head_input.quantiles), 4) + 0.0 for head_to_head_input in (one, other)]
    seed = hashlib.sha256(b"".join(array.tobytes() for array in numbers)).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed[:16], "big")))


def _correlation(one: HeadToHeadInput, other: HeadToHeadInput) -> float:
    """Correlation of the terms' errors over their common windows, shrunk towards 0 where there are few windows."""
    others = dict(other.window_errors)
    pairs = [(error, others[origin]) for origin, error in one.window_errors if origin in others]
    errors = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    scale = math.sqrt(float(np.sum(errors[:, 0] ** 2)) * float(np.sum(errors[:, 1] ** 2)))
    if scale == 0:
        return 0.0
    return float(np.sum(errors[:, 0] * errors[:, 1])) / scale * len(pairs) / (len(pairs) + PRIOR_WINDOWS)


def _probability_b_leads(margins: Array) -> Array:
    """Share of draws in which B is ahead, ties by half; along the first axis."""
    # Counts are exact, so that a probability of one half is exactly that.
    ahead, tied = np.count_nonzero(margins > 0, axis=0), np.count_nonzero(margins == 0, axis=0)
    return np.asarray((ahead + tied / 2) / len(margins))


def _risk(paths: Array, current: float) -> str:
    """The risk that at some date another term leads than today, or in a tie today than the likelier leader."""
    a_leads, b_leads = (float(np.mean(ahead.any(axis=1))) for ahead in (paths < 0, paths > 0))
    changes = a_leads if current > 0 else b_leads if current < 0 else min(a_leads, b_leads)
    return "low" if changes < LOW_RISK else "medium" if changes < MEDIUM_RISK else "high"


def _crossover(dates: tuple[str, ...], margins: Array, current: float) -> str | None:
    """The first date at which today's trailing term is more likely ahead; None in a tie today."""
    behind = 1 - _probability_b_leads(margins) if current > 0 else _probability_b_leads(margins)
    for date, probability in zip(dates, behind, strict=True):
        if current and probability > 0.5:
            return date
    return None


def _margin(dates: tuple[str, ...], paths: Array) -> list[object]:
    """B − A at each date, from the same paths as the probabilities: (draws, steps)."""
    quantiles = dict(zip(_MARGIN, np.quantile(paths, list(_MARGIN.values()), axis=0), strict=True))
    probabilities = 100 * _probability_b_leads(paths)
    return [
        {"date": date}
        | {name: rounded(edge[step]) for name, edge in quantiles.items()}
        | {"leadProbability": rounded(probabilities[step])}
        for step, date in enumerate(dates)
    ]
