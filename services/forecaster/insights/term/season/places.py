"""The places of a season in the calendar: weeks of the year, months, weekdays or hours of the day.

Place 0 is the first week that begins in the year, January, Monday, or midnight UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from services.common.comparison import Step
from services.forecaster.engine.history import Array
from services.forecaster.insights.term.analysis import Analysis

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_COMMON_YEAR = 2023  # any year of 365 days
_DAYS_TO_MIDDLE = 3  # of a week, from its first day


@dataclass(frozen=True)
class Places:
    """Labels of a season's places."""

    step: Step
    period: int
    first: int  # phase of place 0; phase 0 is that of the first value
    start: date  # of the first week, in a common year; January 1 for other steps

    @classmethod
    def of(cls, analysis: Analysis) -> Places:
        """The places of a series' season."""
        first_time, period = analysis.times[0], analysis.period
        if analysis.step is Step.WEEKLY:
            return _of_weeks(analysis)
        place = {
            Step.MONTHLY: first_time.month - 1,
            Step.DAILY: first_time.weekday(),
            Step.HOURLY: first_time.hour,
        }[analysis.step]
        return cls(analysis.step, period, -place % period, date(_COMMON_YEAR, 1, 1))

    def ordered(self, profile: Array) -> Array:
        """A profile by phase, (period,), as one by place."""
        return np.roll(profile, -self.first)

    def of_phase(self, phase: int) -> int:
        """The place of a phase."""
        return (phase - self.first) % self.period

    def label(self, place: int) -> str:
        """A month-day, which is the week's first day, a month, a weekday or an hour."""
        match self.step:
            case Step.WEEKLY:
                return f"{self._week(place):%m-%d}"
            case Step.MONTHLY:
                return MONTHS[place]
            case Step.DAILY:
                return WEEKDAYS[place]
            case Step.HOURLY:
                return f"{place:02}:00"

    def words(self, place: int) -> str:
        """The place in words: “late November”, “December”, “Mondays” or “around 18:00 UTC”."""
        match self.step:
            case Step.WEEKLY:
                middle = self._week(place) + timedelta(days=_DAYS_TO_MIDDLE)
                part = "early" if middle.day <= 10 else "mid" if middle.day <= 20 else "late"
                return f"{part}{'-' if part == 'mid' else ' '}{MONTHS[middle.month - 1]}"
            case Step.MONTHLY:
                return MONTHS[place]
            case Step.DAILY:
                return f"{WEEKDAYS[place]}s"
            case Step.HOURLY:
                return f"around {place:02}:00 UTC"

    def _week(self, place: int) -> date:
        return self.start + timedelta(weeks=place)


def _of_weeks(analysis: Analysis) -> Places:
    """The same phase is 1 or 2 days earlier in each year: dates are those of the year in the middle of the series."""
    middle, period = len(analysis.times) // 2, analysis.period
    around = range(middle - period // 2, middle - period // 2 + period)
    days = {index: _day_of_common_year(analysis.times[index].date()) for index in around}
    first = min(days, key=days.__getitem__)
    return Places(Step.WEEKLY, period, first % period, date(_COMMON_YEAR, 1, 1) + timedelta(days=days[first]))


def _day_of_common_year(day: date) -> int:
    """0 for January 1; February 29 counts as the 28th."""
    return (date(_COMMON_YEAR, day.month, 28 if (day.month, day.day) == (2, 29) else day.day).timetuple().tm_yday) - 1
