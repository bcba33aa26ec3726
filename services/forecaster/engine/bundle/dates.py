"""The periods that follow a series, and how their dates are written."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

from services.common.comparison import Step

_LENGTHS = {Step.HOURLY: timedelta(hours=1), Step.DAILY: timedelta(days=1), Step.WEEKLY: timedelta(weeks=1)}


def following_periods(last: datetime, step: Step, count: int, *, anchor_day: int = 1) -> tuple[datetime, ...]:
    """Starts of the `count` periods after the one that starts at `last`, UTC.

    Months are calendar months, dated with `anchor_day` or the month's last day where it is shorter.
    """
    if step is Step.MONTHLY:
        return tuple(_add_months(last, months, anchor_day) for months in range(1, count + 1))
    return tuple(last + number * _LENGTHS[step] for number in range(1, count + 1))


def period_text(time: datetime, step: Step) -> str:
    """A period's start as the bundle spells it: an ISO date, for hours an ISO date and time with Z."""
    time = time.astimezone(UTC)
    if step is Step.HOURLY:
        return time.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    return time.date().isoformat()


def _add_months(time: datetime, months: int, anchor_day: int) -> datetime:
    years, month = divmod(time.month - 1 + months, 12)
    year = time.year + years
    return time.replace(year=year, month=month + 1, day=min(anchor_day, calendar.monthrange(year, month + 1)[1]))
