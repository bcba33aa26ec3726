"""Synthetic series of the proofs: fixed seeds, values rounded as exports have them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.types import TermSeries
from tests.unit.forecaster.engine.series import term_series

_FIRST = datetime(2019, 1, 6, tzinfo=UTC)  # a Sunday
_WARM_UP = 50  # values, after which autocorrelated noise no longer depends on its first one


def exported(values: Array, timeframe: str, *, label: str = "termA") -> TermSeries:
    """A series of complete periods, with values within 0 to 100 and rounded to whole points as Google does."""
    start = _FIRST.replace(day=1) if timeframe == "all" else _FIRST
    return term_series(np.clip(np.round(values), 0, 100), timeframe, label=label, start=start)


def noise(draw: np.random.Generator, count: int, correlation: float = 0.0) -> Array:
    """Normal noise of variance 1 with this autocorrelation at one step; white for 0."""
    values = draw.standard_normal(count + _WARM_UP)
    fresh = np.sqrt(1 - correlation**2)
    for index in range(1, len(values)):
        values[index] = correlation * values[index - 1] + fresh * values[index]
    return values[_WARM_UP:]
