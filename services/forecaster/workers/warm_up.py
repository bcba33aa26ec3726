"""Warms a worker process before its first run."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import TermSeries
from services.forecaster.insights.encoded import encode
from services.forecaster.insights.pair import pair_insights

_POINTS = 120  # long enough for a season and a backtest


def warm_up() -> None:
    """Imports and runs everything that a run needs, so that the first run is as fast as later ones."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    series = TermSeries(
        term="warm-up",
        label="termA",
        timeframe="3m",
        times=tuple(start + timedelta(days=day) for day in range(_POINTS)),
        values=tuple(50 + 20 * math.sin(day) + 20 * math.sin(day * day) for day in range(_POINTS)),
        partial_last_period=False,
        scaled_apart=False,
        gaps_filled=False,
    )
    forecast = forecast_term(series)
    encode(pair_insights(series, series, forecast, forecast, head_to_head(forecast, forecast)))
