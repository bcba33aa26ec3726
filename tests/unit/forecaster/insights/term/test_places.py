"""The labels of a season's places."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from services.common.comparison import Step
from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.term.description import describe
from services.forecaster.insights.term.season.places import Places
from services.forecaster.insights.term.season.season import find_season
from services.forecaster.insights.types import Season
from tests.unit.forecaster.engine.series import term_series, times_from


def places(timeframe: str, start: datetime, count: int) -> Places:
    return Places.of(analyse(term_series([50.0] * count, timeframe, start=start)))


def season_around(month: int, day: int, *, first: datetime, weeks: int) -> Season:
    """The season of weeks that are high where they hold a date of the year."""
    times = times_from(first, Step.WEEKLY, weeks)
    dates = [[time + timedelta(days=days) for days in range(7)] for time in times]
    high = [any((day_of.month, day_of.day) == (month, day) for day_of in week) for week in dates]
    season = find_season(analyse(term_series(30 + 40 * np.array(high), "5y", start=first)), 1.0)
    assert season is not None
    return season


def days_apart(day: date, month_day: str) -> int:
    """Within a year or across its end."""
    distance = abs((day - date.fromisoformat(f"{day.year}-{month_day}")).days)
    return min(distance, 365 - distance)


@pytest.mark.parametrize(
    ("month", "day", "place"),
    [
        (1, 5, "early January"),
        (2, 24, "late February"),
        (5, 15, "mid-May"),
        (11, 26, "late November"),
        (12, 25, "late December"),
    ],
)
@pytest.mark.parametrize("first", [datetime(2017, 12, 3, tzinfo=UTC), datetime(2020, 6, 28, tzinfo=UTC)])
@pytest.mark.parametrize("weeks", [157, 260])
def test_the_week_of_a_date_is_named(month: int, day: int, place: str, first: datetime, weeks: int) -> None:
    peak = season_around(month, day, first=first, weeks=weeks).peak
    assert peak.place == place
    expected = date(2023, month, day) - timedelta(days=3)  # a week's first day
    assert max(days_apart(expected, label) for label in (peak.from_, peak.to)) <= 14


@pytest.mark.parametrize("year", range(2015, 2027))
def test_a_label_is_within_four_days_of_its_weeks_in_each_of_five_years(year: int) -> None:
    series = term_series([50.0] * 260, "5y", start=datetime(year, 3, 1, tzinfo=UTC))
    labels = Places.of(analyse(series))
    assert labels.label(0) <= "01-07"
    for phase, time in enumerate(series.times):
        assert days_apart(time.date(), labels.label(labels.of_phase(phase))) <= 4


def test_weeks_are_labelled_by_their_first_day_from_the_profile_start_on() -> None:
    weeks = places("5y", datetime(2021, 6, 6, tzinfo=UTC), 156)
    start = date.fromisoformat(f"2023-{weeks.label(0)}")
    assert [weeks.label(place) for place in range(52)] == [
        f"{start + timedelta(weeks=place):%m-%d}" for place in range(52)
    ]


@pytest.mark.parametrize("hour", [0, 5, 23])
def test_hours_are_those_of_the_day(hour: int) -> None:
    hours = places("7d", datetime(2026, 11, 1, hour, tzinfo=UTC), 168)
    assert hours.of_phase(0) == hour
    assert (hours.label(hour), hours.words(hour)) == (f"{hour:02}:00", f"around {hour:02}:00 UTC")


def test_days_are_weekdays() -> None:
    days = places("3m", datetime(2026, 11, 1, tzinfo=UTC), 90)  # a Sunday
    assert days.of_phase(0) == 6
    assert [(days.label(place), days.words(place)) for place in (0, 6)] == [
        ("Monday", "Mondays"),
        ("Sunday", "Sundays"),
    ]


def test_months_are_calendar_months() -> None:
    months = places("all", datetime(2004, 4, 1, tzinfo=UTC), 240)
    assert (months.of_phase(0), months.of_phase(9)) == (3, 0)
    assert (months.label(3), months.words(3)) == ("April", "April")


@pytest.mark.parametrize(
    ("timeframe", "first", "start"),
    [
        ("5y", datetime(2019, 1, 6, tzinfo=UTC), "01-03"),
        ("all", datetime(2004, 4, 1, tzinfo=UTC), "January"),
        ("3m", datetime(2026, 11, 1, tzinfo=UTC), "Monday"),
        ("7d", datetime(2026, 11, 1, 7, tzinfo=UTC), "00:00"),
    ],
)
def test_the_profile_starts_with_the_calendar(timeframe: str, first: datetime, start: str) -> None:
    values = [50.0] * 260
    high = 1 if timeframe == "5y" else 0
    series = term_series(values, timeframe, start=first)
    labels = Places.of(analyse(series))
    values = [90.0 if labels.of_phase(phase) == high else 50.0 for phase in range(260)]
    decomposition = describe(analyse(term_series(values, timeframe, start=first)))
    assert decomposition is not None
    assert decomposition.profile_start == start
    assert int(np.argmax(decomposition.profile)) == high
