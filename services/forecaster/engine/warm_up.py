"""Runs the engine once, on an example."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import TermSeries

_POINTS = 120  # long enough for a season and a backtest


def warm_up() -> None:
    """Imports and runs everything that a forecast needs, so that the next one is as fast as later ones."""
    forecast = forecast_term(example())
    head_to_head(forecast, forecast)


def example() -> TermSeries:
    """A series with a season."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return TermSeries(
        term="warm-up",
        label="termA",
        timeframe="3m",
        times=tuple(start + timedelta(days=day) for day in range(_POINTS)),
        values=tuple(50 + 20 * math.sin(day) + 20 * math.sin(day * day) for day in range(_POINTS)),
        partial_last_period=False,
        scaled_apart=False,
        gaps_filled=False,
    )
