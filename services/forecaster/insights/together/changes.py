"""The changes of a term, seasonally adjusted or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis

NEAR = 8  # changes on each side of a change, which give the usual size there
_FLOOR = 0.05  # of the mean square of all changes, so that the first change after constant ones is not infinite
_DECIMALS = 6  # of changes that are ranked, so that rounding errors break no tie


@dataclass(frozen=True)
class Changes:
    """First differences of the values: (changes,), in points."""

    values: Array
    lost: int  # degrees of freedom that a removed season takes

    @property
    def varied(self) -> bool:
        """Whether two changes differ."""
        return bool(np.ptp(self.values) > 0) if len(self.values) else False

    def newest(self, count: int) -> Changes:
        """The last `count` changes."""
        return Changes(self.values[-count:], self.lost)


def read_changes(analysis: Analysis, *, adjusted: bool) -> Changes:
    """The changes between a term's complete periods, seasonally adjusted where two seasons are known."""
    adjusted = adjusted and analysis.components is not None
    changes = np.diff(analysis.adjusted if adjusted else analysis.values)
    return Changes(np.round(changes, _DECIMALS), analysis.period - 1 if adjusted else 0)


def normal_scores(values: Array) -> Array:
    """Normal scores of the values' ranks (van der Waerden): one event, however large, is one of many values."""
    return np.asarray(ndtri(rankdata(values) / (len(values) + 1)))


def relative(changes: Array) -> Array:
    """Changes relative to the root mean square of those near them, so that volatile times do not decide alone."""
    squares, near = changes**2, np.ones(2 * NEAR + 1)
    known = np.convolve(np.ones(len(changes)), near)[NEAR:-NEAR]
    size = np.convolve(squares, near)[NEAR:-NEAR] / known
    return np.asarray(np.round(changes / np.sqrt(size + _FLOOR * squares.mean()), _DECIMALS))
