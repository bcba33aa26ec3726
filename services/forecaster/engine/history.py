"""Validates a term's series and cuts it to the part that is fitted: complete periods, bounded length."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from services.common.comparison import TIMEFRAMES, Timeframe
from services.forecaster.engine.types import TermSeries, Unforecastable

Array = NDArray[np.float64]

MIN_POINTS = 3  # the last one may be partial
MAX_POINTS = 20_000  # far above any export
LAST_YEAR = 9990  # the forecast's dates must stay below datetime's limit, 9999
MAX_FITTED = 520  # points, ten years of weeks; bounds the time of one forecast


@dataclass(frozen=True)
class History:
    """The newest MAX_FITTED complete periods of a series."""

    values: Array
    times: tuple[datetime, ...]  # starts of the periods, one per value
    anchor_day: int  # day of the month of a monthly series' dates
    timeframe: Timeframe

    @property
    def last_time(self) -> datetime:
        """The start of the last complete period."""
        return self.times[-1]


def read_history(series: TermSeries) -> History:
    """Validates a series. Raises Unforecastable with the reason and the position of the invalid point."""
    timeframe = TIMEFRAMES.get(series.timeframe)
    if timeframe is None:
        raise Unforecastable("UNKNOWN_TIMEFRAME", f"unknown timeframe “{series.timeframe[:20]}”")
    _check_shape(series)
    _check_times(series.times)
    values = np.array(series.values, dtype=np.float64)
    _check_values(values)
    whole = len(values) - series.partial_last_period
    return History(
        values=values[:whole][-MAX_FITTED:],
        times=series.times[:whole][-MAX_FITTED:],
        anchor_day=max(time.day for time in series.times),
        timeframe=timeframe,
    )


def _check_shape(series: TermSeries) -> None:
    points = len(series.times)
    if points != len(series.values):
        raise Unforecastable("MALFORMED_SERIES", f"{points} times, but {len(series.values)} values")
    if points < MIN_POINTS:
        raise Unforecastable("TOO_FEW_POINTS", f"{points} points; a forecast needs at least {MIN_POINTS}")
    if points > MAX_POINTS:
        raise Unforecastable("TOO_MANY_POINTS", f"{points} points; at most {MAX_POINTS} are read")


def _check_times(times: tuple[datetime, ...]) -> None:
    for index, time in enumerate(times):
        if time.utcoffset() != timedelta(0):
            raise Unforecastable("MALFORMED_SERIES", f"time {index} is not in UTC")
        if index and time <= times[index - 1]:
            raise Unforecastable("NOT_ASCENDING", f"time {index} ({time.isoformat()}) does not follow the one before")
    if times[-1].year > LAST_YEAR:
        raise Unforecastable("MALFORMED_SERIES", f"the last time is in the year {times[-1].year}")


def _check_values(values: Array) -> None:
    [not_finite] = np.nonzero(~np.isfinite(values))
    if not_finite.size:
        raise Unforecastable("NOT_FINITE", f"value {not_finite[0]} is not a finite number")
    [outside] = np.nonzero((values < 0) | (values > 100))
    if outside.size:
        raise Unforecastable("OUT_OF_RANGE", f"value {outside[0]} is {values[outside[0]]:g}, outside 0 to 100")
