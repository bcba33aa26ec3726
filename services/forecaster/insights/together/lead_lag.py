"""Finds whether one term's changes precede the other's.

The highest correlation over all lags is tested against surrogates with the same spectra and random phases (Theiler et
al. 1992): series that move as regularly, but independently. Each surrogate takes its own maximum over all lags.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from services.forecaster.engine.bundle.rounding import rounded
from services.forecaster.engine.history import Array
from services.forecaster.insights.together.changes import Changes, normal_scores, relative
from services.forecaster.insights.types import LeadLag

MAX_LAG = 8  # steps
MIN_CHANGES = 5 * MAX_LAG
MAX_CHANGES = 512  # the newest ones, nearly ten years of weeks; bounds the time of the surrogates
SURROGATES = 499
MAX_HIGHER = 2  # surrogates with a higher maximum: a lead has p ≤ (2 + 1) / (499 + 1) = 0.6 %
# A removed season takes so large a share of the changes' freedom where fewer than four seasons are known. What is left
# repeats itself, unlike the surrogates, so that none of them may be higher: benchmarks/JOURNAL.md.
LARGE_LOSS = 0.25
_DECIMALS = 9  # of compared correlations, so that rounding errors decide nothing
_Spectrum = NDArray[np.complex128]


def find_lead(a: Changes, b: Changes) -> LeadLag | None:
    """The lead of A's changes over B's, or of B's with negative steps.

    Correlations are those of normal scores of relative changes. None where the highest is at lag 0, at several lags
    or may be chance, for constant changes, and for fewer than MIN_CHANGES.
    """
    a, b = a.newest(MAX_CHANGES), b.newest(MAX_CHANGES)
    if len(a.values) < MIN_CHANGES or not (a.varied and b.varied):
        return None
    scores_a, scores_b = _standardised(a), _standardised(b)
    spectrum = np.conj(np.fft.rfft(scores_a)) * np.fft.rfft(scores_b)
    correlations = _at_lags(spectrum, len(scores_a))
    highest = float(correlations.max())
    lags = np.flatnonzero(correlations == highest) - MAX_LAG
    if len(lags) > 1 or lags[0] == 0:
        return None
    maxima = _surrogate_maxima(spectrum, len(scores_a), _draws(scores_a, scores_b))
    allowed = 0 if max(a.lost, b.lost) > LARGE_LOSS * len(scores_a) else MAX_HIGHER
    if np.count_nonzero(maxima >= highest) > allowed:
        return None
    return LeadLag(int(lags[0]), rounded(highest))


def _standardised(changes: Changes) -> Array:
    """Normal scores of the relative changes: (changes,), with mean 0 and sum of squares 1."""
    scores = normal_scores(relative(changes.values))
    scores = scores - scores.mean()
    return np.asarray(scores / np.sqrt(scores @ scores))


def _at_lags(spectrum: _Spectrum, count: int) -> Array:
    """Circular correlations at the lags -MAX_LAG to MAX_LAG, (…, lags), from the cross-spectrum of `count` changes."""
    correlations = np.fft.irfft(spectrum, count)
    near = np.concatenate((correlations[..., -MAX_LAG:], correlations[..., : MAX_LAG + 1]), axis=-1)
    return np.asarray(np.round(near, _DECIMALS), dtype=np.float64)


def _surrogate_maxima(spectrum: _Spectrum, count: int, draws: np.random.Generator) -> Array:
    """(SURROGATES,) maxima over the lags. The sum of both terms' random phases is one random phase."""
    turns = draws.random((SURROGATES, len(spectrum)))
    surrogates = np.abs(spectrum) * np.exp(2j * np.pi * turns)
    return np.asarray(_at_lags(surrogates, count).max(axis=-1))


def _draws(a: Array, b: Array) -> np.random.Generator:
    # Rounded, because the last bits differ between machines and the seed must not. Sorted: exchanged terms have the
    # same seed.
    digests = sorted(hashlib.sha256((np.round(scores, 4) + 0.0).tobytes()).digest() for scores in (a, b))
    seed = hashlib.sha256(b"".join(digests)).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed[:16], "big")))
