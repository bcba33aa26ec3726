"""The season of a term: when it is highest and lowest, where it is more than noise."""

from __future__ import annotations

from services.forecaster.engine.history import Array
from services.forecaster.engine.points.usable_history import RECURRING
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.term.season.extent import Extent, find_extent, smooth
from services.forecaster.insights.term.season.noise_strength import strength_of_noise
from services.forecaster.insights.term.season.places import Places
from services.forecaster.insights.types import Season, SeasonExtreme

MIN_STRENGTH = 0.3


def find_season(analysis: Analysis, season_share: float) -> Season | None:
    """The highest and lowest part of the season, or None where it is not accepted or not stronger than that of noise.

    `season_share` is the share of the season that the engine accepts, `UsableHistory.season_share`.
    """
    components = analysis.components
    if components is None or season_share < RECURRING:
        return None
    least = max(MIN_STRENGTH, strength_of_noise(len(analysis.values), analysis.period))
    if components.seasonal_strength <= least:
        return None
    places, profile = Places.of(analysis), components.profile
    smoothed = smooth(profile, analysis.step)
    return Season(
        peak=_extreme(find_extent(smoothed, profile), profile, places),
        low=_extreme(find_extent(-smoothed, -profile), profile, places),
    )


def _extreme(extent: Extent, profile: Array, places: Places) -> SeasonExtreme:
    return SeasonExtreme(
        place=places.words(places.of_phase(extent.top)),
        from_=places.label(places.of_phase(extent.first)),
        to=places.label(places.of_phase(extent.last)),
        effect=round(float(profile[extent.top]), 1),
    )
