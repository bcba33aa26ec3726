"""Numbers and periods in words, as all charts write them."""

from __future__ import annotations

from services.common.comparison import Step
from services.gateway.pages.charts.drawing.times import epoch_seconds, moment, month_name, period_words

EVERY = {Step.HOURLY: "Hourly", Step.DAILY: "Daily", Step.WEEKLY: "Weekly", Step.MONTHLY: "Monthly"}
_PREPOSITION = {Step.HOURLY: "at", Step.DAILY: "on", Step.WEEKLY: "on", Step.MONTHLY: "in"}
MINUS = "−"
HALF = "50"  # of 100 futures: neither term is likelier to lead


def points_words(value: float) -> str:
    """A value of 0 to 100 as a whole number; Google writes small values as `<1`."""
    return "<1" if 0 < value < 1 else f"{value:.0f}"


def futures_words(probability: float) -> str:
    """In how many of 100 futures, for a probability of 0 to 100; `>99` or `<1` where rounding would claim certainty.

    The limits are those of the interpretations, so that a page writes one share in one way.
    """
    if probability >= 99.5:
        return ">99"
    return "<1" if probability <= 0.5 else f"{probability:.0f}"


def signed_words(value: float) -> str:
    """A difference with its sign: `+12`, `−3`, `0`."""
    rounded = round(value)
    return f"+{rounded}" if rounded > 0 else f"{MINUS}{-rounded}" if rounded < 0 else "0"


def signed_tick(value: float) -> str:
    """A tick's difference with its sign and all its decimals: `+2.5`."""
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return f"{sign}{abs(value):g}"


def when(date: str, step: Step) -> str:
    """`on 20 November 2022`, `in July 2017`."""
    return f"{_PREPOSITION[step]} {period_words(epoch_seconds(date), step)}"


def when_short(date: str, step: Step, *, brief: bool = False) -> str:
    """`20 Nov 2022`, `Jul 2017`, `3 Mar, 14:00`; brief: `20 Nov`, `Jul 2017`, `3 Mar`."""
    time = moment(epoch_seconds(date))
    day = f"{time.day} {month_name(time.month, short=True)}"
    if step is Step.MONTHLY or not (brief or step is Step.HOURLY):
        return period_words(epoch_seconds(date), step, short=True)
    return day if brief else f"{day}, {time:%H:%M}"
