"""Correlation of two terms' changes, with its interval."""

from __future__ import annotations

import math

import numpy as np

from services.forecaster.engine.bundle.rounding import rounded
from services.forecaster.engine.history import Array
from services.forecaster.insights.together.changes import Changes, normal_scores
from services.forecaster.insights.types import Correlation

MIN_CHANGES = 10
_Z95 = 1.959964
_FISHER = 3  # the variance of Fisher's z is 1 / (n - 3)
_NEARLY_ONE = 1 - 1e-9  # Fisher's z of 1 is infinite


def correlate(a: Changes, b: Changes) -> Correlation | None:
    """Correlation of normal scores, with its 95 % interval by Fisher's z.

    The interval counts effective changes (Quenouille 1947): autocorrelated ones count less, and the fitted season's
    degrees of freedom do not count. None for constant changes, and for fewer than MIN_CHANGES effective ones.
    """
    if not (a.varied and b.varied):
        return None
    scores_a, scores_b = normal_scores(a.values), normal_scores(b.values)
    effective = (len(scores_a) - max(a.lost, b.lost)) / _repetition(scores_a, scores_b)
    if effective < MIN_CHANGES:
        return None
    value = float(np.corrcoef(scores_a, scores_b)[0, 1])
    z = math.atanh(max(-_NEARLY_ONE, min(_NEARLY_ONE, value)))
    margin = _Z95 / math.sqrt(effective - _FISHER)
    return Correlation(rounded(value), rounded(math.tanh(z - margin)), rounded(math.tanh(z + margin)))


def _repetition(a: Array, b: Array) -> float:
    """How many autocorrelated changes are worth an independent one, at least 1."""
    lags = np.arange(1, len(a) // 4 + 1)
    products = _autocorrelations(a, len(lags)) * _autocorrelations(b, len(lags))
    return max(1.0, 1 + 2 * float(np.sum((1 - lags / len(a)) * products)))


def _autocorrelations(scores: Array, lags: int) -> Array:
    """Autocorrelations at lags 1 to `lags`: (lags,)."""
    size = 2 * len(scores)  # zeros keep the end apart from the start
    power = np.abs(np.fft.rfft(scores - scores.mean(), size)) ** 2
    covariances = np.fft.irfft(power, size)[: lags + 1]
    return np.asarray(covariances[1:] / covariances[0])
