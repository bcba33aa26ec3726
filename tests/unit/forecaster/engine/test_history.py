"""Validation of series."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from services.forecaster.engine.history import MAX_FITTED, MAX_POINTS, read_history
from services.forecaster.engine.types import TermSeries, Unforecastable
from tests.unit.forecaster.engine.series import MONDAY, term_series, wandering

GOOD = term_series([10, 20, 30, 40])


def with_times(*times: datetime) -> TermSeries:
    return replace(GOOD, times=times)


@pytest.mark.parametrize(
    ("series", "reason", "named"),
    [
        (replace(GOOD, timeframe="2w"), "UNKNOWN_TIMEFRAME", "2w"),
        (replace(GOOD, values=(1.0, 2.0)), "MALFORMED_SERIES", "4 times, but 2 values"),
        (term_series([1, 2]), "TOO_FEW_POINTS", "2 points"),
        (term_series([]), "TOO_FEW_POINTS", "0 points"),
        (term_series([1.0] * (MAX_POINTS + 1), "7d"), "TOO_MANY_POINTS", str(MAX_POINTS + 1)),
        (term_series([1, math.nan, 3]), "NOT_FINITE", "value 1"),
        (term_series([1, 2, math.inf]), "NOT_FINITE", "value 2"),
        (term_series([1, -0.1, 3]), "OUT_OF_RANGE", "value 1 is -0.1"),
        (term_series([1, 2, 100.5]), "OUT_OF_RANGE", "value 2 is 100.5"),
        (with_times(*reversed(GOOD.times)), "NOT_ASCENDING", "time 1"),
        (with_times(MONDAY, MONDAY, *GOOD.times[2:]), "NOT_ASCENDING", "time 1"),
        (with_times(*(time.replace(tzinfo=None) for time in GOOD.times)), "MALFORMED_SERIES", "time 0 is not in UTC"),
        (
            with_times(*(time.astimezone(timezone(timedelta(hours=2))) for time in GOOD.times)),
            "MALFORMED_SERIES",
            "time 0 is not in UTC",
        ),
        (with_times(*(time.replace(year=9999) for time in GOOD.times)), "MALFORMED_SERIES", "year 9999"),
    ],
)
def test_an_invalid_series_is_refused_with_its_reason(series: TermSeries, reason: str, named: str) -> None:
    with pytest.raises(Unforecastable) as refusal:
        read_history(series)
    assert refusal.value.reason == reason
    assert named in refusal.value.detail


def test_unforecastable_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(Unforecastable("NOT_FINITE", "value 1 is not a finite number")))
    assert (error.reason, error.detail) == ("NOT_FINITE", "value 1 is not a finite number")


def test_the_partial_last_period_is_left_out() -> None:
    history = read_history(term_series([10, 20, 30, 1], partial=True))
    assert history.values.tolist() == [10, 20, 30]
    assert history.last_time == MONDAY + timedelta(weeks=2)


def test_only_the_newest_points_of_a_long_series_are_fitted() -> None:
    values = wandering(2000)
    history = read_history(term_series(values, "7d"))
    assert history.values.tolist() == values[-MAX_FITTED:]
