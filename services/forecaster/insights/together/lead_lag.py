"""Finds whether one term's changes precede the other's.

The highest correlation over all lags is tested against surrogates with the same spectra and random phases (Theiler et
al. 1992): series that move as regularly, but independently. Each surrogate takes its own maximum over all lags.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from services.forecaster.engine.bundle.rounding import rounded
from services.forecaster.engine.history import Array
from services.forecaster.insights.types import LeadLag

MAX_LAG = 8  # steps
MIN_CHANGES = 5 * MAX_LAG
MAX_CHANGES = 520  # the newest ones, ten years of weeks; bounds the time of the surrogates
SURROGATES = 499
MAX_HIGHER = 4  # surrogates with a higher maximum: a lead has p ≤ (4 + 1) / (499 + 1) = 1 %
_Spectrum = NDArray[np.complex128]
_DECIMALS = 9  # of compared correlations, so that rounding errors decide nothing


def find_lead(a: Array, b: Array) -> LeadLag | None:
    """The lead of A's changes over B's, or of B's with negative steps, from the scores of both: (changes,) each.

    None where the correlation is highest at lag 0, where that at the best lag may be chance, and where there are fewer
    than MIN_CHANGES changes.
    """
    a, b = _newest(a), _newest(b)
    scale = math.sqrt(float(a @ a) * float(b @ b))
    if len(a) < MIN_CHANGES or scale == 0:
        return None
    spectrum = np.conj(np.fft.rfft(a)) * np.fft.rfft(b) / scale
    correlations = _at_lags(spectrum, len(a))
    lag = int(np.argmax(correlations)) - MAX_LAG
    if lag == 0:
        return None
    highest = float(correlations.max())
    if np.count_nonzero(_surrogate_maxima(spectrum, a, b) >= highest) > MAX_HIGHER:
        return None
    return LeadLag(lag, rounded(highest))


def _newest(scores: Array) -> Array:
    newest = scores[-MAX_CHANGES:]
    return newest - newest.mean() if len(newest) else newest


def _at_lags(spectrum: _Spectrum, count: int) -> Array:
    """Circular correlations at the lags -MAX_LAG to MAX_LAG, (…, lags), from the cross-spectrum of `count` changes."""
    correlations = np.fft.irfft(spectrum, count)
    near = np.concatenate((correlations[..., -MAX_LAG:], correlations[..., : MAX_LAG + 1]), axis=-1)
    return np.asarray(np.round(near, _DECIMALS), dtype=np.float64)


def _surrogate_maxima(spectrum: _Spectrum, a: Array, b: Array) -> Array:
    """(SURROGATES,) maxima over the lags. The phases of both series' surrogates add up to random phases as well."""
    turns = _draws(a, b).random((SURROGATES, len(spectrum)))
    surrogates = np.abs(spectrum) * np.exp(2j * np.pi * turns)
    return np.asarray(_at_lags(surrogates, len(a)).max(axis=-1))


def _draws(a: Array, b: Array) -> np.random.Generator:
    # Rounded, because the last bits differ between machines and the seed must not. Sorted: exchanged terms have the
    # same seed.
    digests = sorted(hashlib.sha256((np.round(scores, 4) + 0.0).tobytes()).digest() for scores in (a, b))
    seed = hashlib.sha256(b"".join(digests)).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed[:16], "big")))
