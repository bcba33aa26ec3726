"""The dates from which the other term was ahead."""

from __future__ import annotations

import numpy as np

from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.types import LeadChange

MAX_LEAD_CHANGES = 20


def find_lead_changes(a: Analysis, b: Analysis) -> tuple[LeadChange, ...]:
    """The newest MAX_LEAD_CHANGES changes of the leader, oldest first.

    A term leads once it is ahead in two periods in a row. Periods in which the terms are tied are left out.
    """
    ahead = np.sign(b.values - a.values)
    decided = np.flatnonzero(ahead)
    leads = decided[:-1][ahead[decided[:-1]] == ahead[decided[1:]]]
    changes = leads[1:][ahead[leads[1:]] != ahead[leads[:-1]]]
    return tuple(
        LeadChange(a.date(int(index)), "termB" if ahead[index] > 0 else "termA")
        for index in changes[-MAX_LEAD_CHANGES:]
    )
