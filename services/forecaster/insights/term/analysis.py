"""The complete periods of a series and their decomposition, from which all insights of a term follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from services.common.comparison import TIMEFRAMES, Step
from services.forecaster.engine.bundle.dates import period_text
from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.types import TermSeries
from services.forecaster.insights.term.decomposition import Components, Method, decompose
from services.forecaster.insights.term.outliers import has_isolated_outliers

MIN_WEIGHT = 0.2  # mean robust weight, at each place and around each date


@dataclass(frozen=True)
class Analysis:
    """One term's complete periods. Arrays have the shape (periods,); values are in points."""

    series: TermSeries
    step: Step
    period: int  # steps of a season
    times: tuple[datetime, ...]  # starts of the complete periods, UTC
    values: Array
    components: Components | None  # None where fewer than two seasons are known

    @property
    def adjusted(self) -> Array:
        """The values without their season."""
        return self.values if self.components is None else np.asarray(self.values - self.components.seasonal)

    def date(self, index: int) -> str:
        """A period's date as the bundle writes it."""
        return period_text(self.times[index], self.step)


def analyse(series: TermSeries) -> Analysis:
    """Decomposes a series that has been forecast, and is therefore valid."""
    complete = len(series.values) - series.partial_last_period
    values = np.array(series.values[:complete], dtype=np.float64)
    step = TIMEFRAMES[series.timeframe].step
    period = PERIODICITIES[step].season
    return Analysis(
        series=series,
        step=step,
        period=period,
        times=series.times[:complete],
        values=values,
        components=choose_components(values, period),
    )


def choose_components(values: Array, period: int) -> Components | None:
    """The components, by robust STL where single events would distort the profile of plain STL."""
    plain = decompose(values, period)
    if plain is None or not has_isolated_outliers(plain.remainder, period):
        return plain
    robust = decompose(values, period, Method.ROBUST)
    # With less weight, STL repeats single values, or its trend passes by a change of the level.
    return robust if robust and robust.lowest_weight >= MIN_WEIGHT else plain
