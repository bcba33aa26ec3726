"""The seasonally adjusted changes of a term, as normal scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis

_DECIMALS = 6  # of changes that are ranked, so that rounding errors break no tie


@dataclass(frozen=True)
class Changes:
    """First differences of the values without their season, from each period to the next."""

    # Normal scores of the ranks (van der Waerden), (changes,): one event, however large, is one of many values.
    scores: Array
    lost: int  # degrees of freedom that the season's profile takes

    @property
    def varied(self) -> bool:
        """Whether two changes differ."""
        return bool(np.ptp(self.scores) > 0) if len(self.scores) else False


def read_changes(analysis: Analysis) -> Changes:
    """The changes between a term's complete periods."""
    changes = np.round(np.diff(analysis.adjusted), _DECIMALS)
    scores = ndtri(rankdata(changes) / (len(changes) + 1))
    lost = 0 if analysis.components is None else analysis.components.period - 1
    return Changes(np.asarray(scores), lost)
