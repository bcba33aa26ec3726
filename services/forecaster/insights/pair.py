"""The insights of one comparison, composed from those of its terms."""

from __future__ import annotations

from services.forecaster.engine.types import JsonObject, TermForecast, TermSeries
from services.forecaster.insights.interpretations.compared_term import ComparedTerm
from services.forecaster.insights.interpretations.interpret import interpret
from services.forecaster.insights.term.analysis import Analysis, analyse
from services.forecaster.insights.term.change_points import find_change_points
from services.forecaster.insights.term.description import describe
from services.forecaster.insights.term.peaks import find_peaks
from services.forecaster.insights.term.season.season import find_season
from services.forecaster.insights.term.year_over_year import year_over_year
from services.forecaster.insights.together.comparison import compare
from services.forecaster.insights.types import PairInsights, TermInsights


def pair_insights(
    series_a: TermSeries,
    series_b: TermSeries,
    forecast_a: TermForecast,
    forecast_b: TermForecast,
    head_to_head: JsonObject | None,
) -> PairInsights:
    """The insights of two terms over the same periods, which have been forecast. Deterministic, like the forecasts.

    `head_to_head` is None for terms that are scaled apart.
    """
    a, b = analyse(series_a), analyse(series_b)
    insights_a, insights_b = _find_term_insights(a, forecast_a), _find_term_insights(b, forecast_b)
    together = compare(a, b, insights_a.season, insights_b.season)
    interpretations = interpret(
        ComparedTerm(series_a, forecast_a.bundle, insights_a),
        ComparedTerm(series_b, forecast_b.bundle, insights_b),
        together,
        head_to_head,
    )
    return PairInsights(insights_a, insights_b, together, interpretations)


def _find_term_insights(analysis: Analysis, forecast: TermForecast) -> TermInsights:
    season = find_season(analysis, forecast.season_share)
    known_since = forecast.bundle["knownSince"]
    return TermInsights(
        decomposition=describe(analysis),
        season=season,
        peaks=find_peaks(analysis, season),
        change_points=find_change_points(analysis, known_since if isinstance(known_since, str) else None),
        year_over_year=year_over_year(analysis),
    )
