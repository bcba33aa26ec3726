"""Compares two terms of one comparison over their history."""

from __future__ import annotations

from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.together.changes import read_changes
from services.forecaster.insights.together.correlation import correlate
from services.forecaster.insights.together.lead_changes import find_lead_changes
from services.forecaster.insights.together.lead_lag import find_lead
from services.forecaster.insights.together.shared_season import share_season
from services.forecaster.insights.types import Season, Together


def compare(a: Analysis, b: Analysis, season_a: Season | None, season_b: Season | None) -> Together | None:
    """Correlation, lead, changes of the leader and shared season of two terms; None for terms that are scaled apart.

    Both analyses are of the same periods. The seasons are those that `find_season` accepts.
    """
    if a.series.scaled_apart or b.series.scaled_apart:
        return None
    # A season's profile also holds changes that both terms share: removed from one term alone, it weakens the
    # correlation. Removing one that is not accepted makes false leads: it repeats single events in every season.
    both = season_a is not None or season_b is not None
    return Together(
        correlation=correlate(read_changes(a, adjusted=both), read_changes(b, adjusted=both)),
        lead_lag=find_lead(
            read_changes(a, adjusted=season_a is not None), read_changes(b, adjusted=season_b is not None)
        ),
        lead_changes=find_lead_changes(a, b),
        shared_season=share_season(a, b, season_a, season_b),
    )
