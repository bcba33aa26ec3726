"""What the interpretations of a comparison start from."""

from __future__ import annotations

from dataclasses import dataclass

from services.forecaster.engine.types import JsonObject, TermSeries
from services.forecaster.insights.types import TermInsights


@dataclass(frozen=True)
class ComparedTerm:
    """One term of a comparison, with what is known about it."""

    series: TermSeries
    bundle: JsonObject  # the contract's forecast bundle
    insights: TermInsights
