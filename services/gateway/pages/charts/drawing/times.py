"""Dates of the contract as seconds since 1970, and as words. All times are UTC."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime

from services.common.comparison import Step

DAY = 86_400
_EPOCH_DAY = date(1970, 1, 1).toordinal()
SECONDS = {Step.HOURLY: 3_600, Step.DAILY: DAY, Step.WEEKLY: 7 * DAY, Step.MONTHLY: 30 * DAY}  # about, for months
_RECENT_PERIODS = 5
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def epoch_seconds(text: str) -> int:
    """Seconds of an ISO date (`2026-11-30`) or of a date and time with Z (`2026-11-30T14:00:00Z`)."""
    if len(text) == 10:
        return (date.fromisoformat(text).toordinal() - _EPOCH_DAY) * DAY
    return int(datetime.fromisoformat(text).timestamp())


def end_of_horizon(times: Sequence[int], last: int, step: Step, horizon: int) -> int:
    """The start of the last of `horizon` periods after `last`, as the engine dates it.

    Months are calendar months on the latest day that occurs in `times`, or the month's last day where it is shorter.
    """
    if step is not Step.MONTHLY:
        return last + horizon * SECONDS[step]
    anchor_day = max(moment(time).day for time in times)
    start = moment(last)
    years, month = divmod(start.month - 1 + horizon, 12)
    year = start.year + years
    day = min(anchor_day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def long_ended(last: int, step: Step, now: float) -> bool:
    """Whether the last period began so long before `now` that it says nothing about the present."""
    return now - last > _RECENT_PERIODS * SECONDS[step]


def moment(seconds: int) -> datetime:
    """The date and time of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def month_name(month: int, *, short: bool = False) -> str:
    """The English name of a month, 1 to 12."""
    return _MONTHS[month - 1][:3] if short else _MONTHS[month - 1]


def period_words(seconds: int, step: Step, *, short: bool = False) -> str:
    """A period in words: `July 2017`, `20 November 2022`, or `3 March 2026, 14:00 UTC`."""
    time = moment(seconds)
    month = f"{month_name(time.month, short=short)} {time.year}"
    if step is Step.MONTHLY:
        return month
    day = f"{time.day} {month}"
    return f"{day}, {time:%H:%M} UTC" if step is Step.HOURLY else day
