"""What is shown of a term's decomposition."""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.term.season.places import Places
from services.forecaster.insights.types import Decomposition


def describe(analysis: Analysis) -> Decomposition | None:
    """Trend and season in points, rounded to 1 decimal; None where fewer than two seasons are known."""
    components = analysis.components
    if components is None:
        return None
    places = Places.of(analysis)
    partial = (None,) * (len(analysis.series.values) - len(analysis.values))
    return Decomposition(
        method=components.method.value,
        period=components.period,
        trend=(*_rounded(components.trend), *partial),
        profile=_rounded(places.ordered(components.profile)),
        profile_start=places.label(0),
        seasonal_strength=round(components.seasonal_strength, 2),
        trend_strength=round(components.trend_strength, 2),
    )


def _rounded(values: Array) -> tuple[float, ...]:
    # Adding 0 turns -0.0 into 0.0.
    return tuple(float(value) for value in np.round(values, 1) + 0.0)
