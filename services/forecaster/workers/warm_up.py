"""Warms a worker process before its first run."""

from __future__ import annotations

from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.warm_up import example
from services.forecaster.insights.encoded import encode
from services.forecaster.insights.pair import pair_insights


def warm_up() -> None:
    """Imports and runs everything that a run needs, so that the first run is as fast as later ones."""
    series = example()
    forecast = forecast_term(series)
    encode(pair_insights(series, series, forecast, forecast, head_to_head(forecast, forecast)))
