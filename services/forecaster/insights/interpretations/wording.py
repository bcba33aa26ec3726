"""How terms, numbers and dates are written in a sentence."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from services.common.comparison import Step
from services.forecaster.insights.term.season.places import MONTHS

_UNITS = {Step.HOURLY: "hour", Step.DAILY: "day", Step.WEEKLY: "week", Step.MONTHLY: "month"}
_PREPOSITIONS = {Step.HOURLY: "at", Step.DAILY: "on", Step.WEEKLY: "in", Step.MONTHLY: "in"}
_SEASONS = {
    Step.HOURLY: "daily rhythm",
    Step.DAILY: "weekly rhythm",
    Step.WEEKLY: "yearly season",
    Step.MONTHLY: "yearly season",
}
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})  # bidirectional classes


def quoted(term: str) -> str:
    """The term in typographic quotes.

    A term with right-to-left letters is isolated, so that the sentence around it keeps its order.
    """
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in term):
        return f"“\u2068{term}\u2069”"
    return f"“{term}”"


def number(value: float) -> str:
    """A whole number from 10 on, one decimal below, with a true minus sign."""
    return numbers(value)[0]


def numbers(*values: float) -> list[str]:
    """The same for numbers of one sentence: with one decimal where they would else look equal."""
    whole = [float(round(value)) if abs(value) >= 10 else round(value, 1) for value in values]
    tenths = [round(value, 1) for value in values]
    shown = whole if len(set(whole)) == len(set(tenths)) else tenths
    return [f"{value + 0.0:g}".replace("-", "−") for value in shown]


def points(value: float) -> str:
    """An amount with its unit: `1 point`, `12 points`."""
    return in_points(number(value))


def in_points(shown: str) -> str:
    """A written number with its unit."""
    return _with_unit(shown, "point")


def signed_points(value: float) -> str:
    """An effect: `+12 points`, `−3 points`."""
    shown = number(value)
    return in_points(shown if shown.startswith("−") or shown == "0" else f"+{shown}")


def from_to(before: float, after: float) -> str:
    """A change: `from 12 to 40 points`."""
    first, second = numbers(before, after)
    return f"from {first} to {in_points(second)}"


def futures(probability: float, *, at_most: bool = False) -> str:
    """A probability from 0 to 100: `in 78 of 100 simulated futures`, or `in up to 78 of …`."""
    if probability >= 99.5:
        return "in more than 99 of 100 simulated futures"
    if probability <= 0.5:
        return "in fewer than 1 of 100 simulated futures"
    return f"in {'up to ' if at_most else ''}{round(probability)} of 100 simulated futures"


def percent(value: float) -> str:
    """A percentage without decimals: `62 %`."""
    return f"{round(value)} %"


def correlation(value: float) -> str:
    """Two decimals, with a true minus sign: `−0.35`."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def count(steps: int, step: Step) -> str:
    """A number of periods: `1 week`, `26 weeks`."""
    return _with_unit(str(steps), _UNITS[step])


def share_of(part: int, whole: int, step: Step) -> str:
    """Some of the periods: `48 of 52 weeks`, `all 52 weeks`."""
    return f"all {count(whole, step)}" if part == whole else f"{part} of {count(whole, step)}"


def unit(step: Step) -> str:
    """The name of one period."""
    return _UNITS[step]


def recurrence(step: Step) -> str:
    """What the season of a step's data is called: `yearly season`."""
    return _SEASONS[step]


def period(date: str, step: Step) -> str:
    """A period by its date as the bundle writes it: `the week of 12 May 2024`."""
    time = datetime.fromisoformat(date)
    month = f"{MONTHS[time.month - 1]} {time.year}"
    if step is Step.MONTHLY:
        return month
    day = f"{time.day} {month}"
    if step is Step.HOURLY:
        return f"{time:%H:%M} UTC on {day}"
    return f"the week of {day}" if step is Step.WEEKLY else day


def in_period(date: str, step: Step) -> str:
    """The same with its preposition: `in the week of 12 May 2024`."""
    return f"{_PREPOSITIONS[step]} {period(date, step)}"


def _with_unit(shown: str, name: str) -> str:
    return f"{shown} {name}" if shown.lstrip("+−") == "1" else f"{shown} {name}s"
