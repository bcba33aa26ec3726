"""The newest level against that of a year before."""

from __future__ import annotations

from services.common.comparison import Step
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.types import YearOverYear

AVERAGED_STEPS = 4  # complete ones
_YEAR = {Step.DAILY: 365, Step.WEEKLY: 52, Step.MONTHLY: 12}  # steps


def year_over_year(analysis: Analysis) -> YearOverYear | None:
    """The mean of the last AVERAGED_STEPS steps and its change.

    None for hours, and where the same steps a year before are not known.
    """
    year = _YEAR.get(analysis.step)
    if year is None or len(analysis.values) < year + AVERAGED_STEPS:
        return None
    value = float(analysis.values[-AVERAGED_STEPS:].mean())
    before = float(analysis.values[-year - AVERAGED_STEPS : -year].mean())
    return YearOverYear(value=round(value, 1), change=round(value - before, 1) + 0.0)  # no -0.0
