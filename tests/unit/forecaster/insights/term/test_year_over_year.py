"""The newest level against that of a year before."""

from __future__ import annotations

import pytest

from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.term.year_over_year import year_over_year
from services.forecaster.insights.types import YearOverYear
from tests.unit.forecaster.engine.series import term_series


@pytest.mark.parametrize(("timeframe", "year"), [("5y", 52), ("all", 12), ("3m", 365)])
def test_the_last_four_steps_are_compared_with_the_same_a_year_before(timeframe: str, year: int) -> None:
    values = [99.0] * 7 + [10, 11, 12, 14] + [0.0] * (year - 4) + [20, 30, 40, 51]
    series = term_series(values, timeframe)
    assert year_over_year(analyse(series)) == YearOverYear(value=35.2, change=23.5)
    assert year_over_year(analyse(term_series(values[7:], timeframe))) == YearOverYear(value=35.2, change=23.5)
    assert year_over_year(analyse(term_series(values[8:], timeframe))) is None


def test_a_partial_period_does_not_count() -> None:
    values = [10.0] * 12 + [20.0] * 4 + [1.0]
    assert year_over_year(analyse(term_series(values, "all", partial=True))) == YearOverYear(value=20.0, change=10.0)


def test_hours_have_none() -> None:
    assert year_over_year(analyse(term_series([10.0] * 9000, "7d"))) is None
