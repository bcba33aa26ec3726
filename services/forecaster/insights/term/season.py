"""The season of a term: when it is highest and lowest, where it is more than noise."""

from __future__ import annotations

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.usable_history import RECURRING
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.term.noise_strength import strength_of_noise
from services.forecaster.insights.term.places import Places
from services.forecaster.insights.types import Season, SeasonExtreme

MIN_STRENGTH = 0.3
EXTENT = 0.5  # of the highest effect: places around it that reach this share belong to it
_SMOOTHING = np.array([0.25, 0.5, 0.25])


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
    places = Places.of(analysis)
    profile = places.ordered(components.profile)
    if PERIODICITIES[analysis.step].smooth_season:
        profile = np.convolve(np.concatenate((profile[-1:], profile, profile[:1])), _SMOOTHING, "valid")
    return Season(peak=_extreme(profile, places, sign=1), low=_extreme(profile, places, sign=-1))


def _extreme(profile: Array, places: Places, *, sign: int) -> SeasonExtreme:
    """The highest place, or the lowest with a sign of -1, with its neighbours that reach EXTENT of its effect."""
    effects, period = sign * profile, len(profile)
    top = int(np.argmax(effects))
    belongs = effects >= EXTENT * effects[top]
    before = after = 0
    while before < period - 1 and belongs[(top - before - 1) % period]:
        before += 1
    while before + after < period - 1 and belongs[(top + after + 1) % period]:
        after += 1
    return SeasonExtreme(
        place=places.words(top),
        from_=places.label((top - before) % period),
        to=places.label((top + after) % period),
        effect=round(float(profile[top]), 1),
    )
