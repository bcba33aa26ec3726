"""Pairs of series with a known relation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis, analyse
from services.forecaster.insights.types import Season, SeasonExtreme
from tests.unit.forecaster.engine.series import term_series

MONDAY = datetime(2020, 1, 6, tzinfo=UTC)
SEASON = Season(*2 * (SeasonExtreme("late November", "11-22", "11-30", 20.0),))  # any accepted season


def analysis(values: Iterable[float], timeframe: str = "5y", *, scaled_apart: bool = False) -> Analysis:
    """The analysis of a series that starts on a Monday."""
    return analyse(term_series(values, timeframe, start=MONDAY, scaled_apart=scaled_apart))


def noise(count: int, *, seed: int, correlation: float = 0.0) -> Array:
    """Normal values, each correlated with the one before."""
    shocks = np.random.default_rng(seed).standard_normal(count)
    values = [shocks[0]]
    for shock in shocks[1:]:
        values.append(correlation * values[-1] + math.sqrt(1 - correlation**2) * shock)
    return np.array(values)


def levels(changes: Array) -> list[float]:
    """The series with these changes, in the upper half of the range."""
    values = np.concatenate(([0.0], np.cumsum(changes)))
    return list(50 + 50 * (values - values.min()) / max(np.ptp(values), 1e-9))
