"""How each term changed over a year and over the whole series."""

from __future__ import annotations

from services.common.change_band import change_band
from services.forecaster.insights.interpretations.facts import Facts, TermFacts
from services.forecaster.insights.interpretations.finding import Finding, hundredth, tenth
from services.forecaster.insights.interpretations.wording import count, from_to, in_points, numbers, period
from services.forecaster.insights.term.year_over_year import AVERAGED_STEPS
from services.forecaster.insights.types import YearOverYear

STRONG_TREND = 0.6  # strength of the trend, 0 to 1
LONG_CHANGE = 5.0  # points: least change of the trend over the whole series …
LONG_CHANGE_SHARE = 0.25  # … and the least share of the higher end


def year_over_year_of_both(facts: Facts) -> Finding | None:
    """The last four periods of both terms differ clearly from those of a year before."""
    a, b = _year(facts.a), _year(facts.b)
    if a is None or b is None or facts.scaled_apart:
        return None
    value_a, before_a, value_b, before_b = numbers(a.value, a.value - a.change, b.value, b.value - b.change)
    steps = count(AVERAGED_STEPS, facts.step)
    if _than(a) == _than(b):
        text = (
            f"Both terms are {_than(a)} than a year ago: {facts.a.name} at {in_points(value_a)} on average over the "
            f"last {steps}, against {before_a}, and {facts.b.name} at {value_b}, against {before_b}."
        )
    else:
        text = (
            f"Compared with a year ago, {facts.a.name} is {_than(a)} ({in_points(value_a)} on average over the last "
            f"{steps}, against {before_a}) and {facts.b.name} is {_than(b)} ({value_b} against {before_b})."
        )
    return Finding(
        54 + min(10.0, max(abs(a.change), abs(b.change)) / 5),
        "bothYearOverYear",
        None,
        text,
        {
            "valueA": tenth(a.value),
            "changeA": tenth(a.change),
            "valueB": tenth(b.value),
            "changeB": tenth(b.change),
            "periods": AVERAGED_STEPS,
        },
    )


def year_over_year(facts: Facts, term: TermFacts) -> Finding | None:
    """The last four periods differ clearly from those of a year before."""
    year = _year(term)
    if year is None or year_over_year_of_both(facts) is not None:
        return None
    first, second = numbers(year.value, year.value - year.change)
    return Finding(
        54 + min(10.0, abs(year.change) / 5),
        "yearOverYear",
        term.label,
        f"{term.name} is {_than(year)} than a year ago: {in_points(first)} on average over the last "
        f"{count(AVERAGED_STEPS, facts.step)}, against {second}.",
        {"value": tenth(year.value), "change": tenth(year.change), "periods": AVERAGED_STEPS},
    )


def long_trend(facts: Facts, term: TermFacts) -> Finding | None:
    """The trend over the whole series."""
    decomposition = term.insights.decomposition
    if decomposition is None or decomposition.trend_strength < STRONG_TREND or term.insights.change_points:
        return None
    known = [value for value in decomposition.trend if value is not None]
    if not known:
        return None
    # At its ends a trend may pass the bounds of search interest.
    first, last = (min(100.0, max(0.0, value)) for value in (known[0], known[-1]))
    if abs(last - first) < max(LONG_CHANGE, LONG_CHANGE_SHARE * max(first, last)):
        return None
    return Finding(
        50,
        "longTrend",
        term.label,
        f"The trend of {term.name}, season aside, {'rose' if last > first else 'fell'} {from_to(first, last)} since "
        f"{period(term.dates[0], facts.step)}.",
        {
            "before": tenth(first),
            "after": tenth(last),
            "since": term.dates[0],
            "strength": hundredth(decomposition.trend_strength),
        },
    )


def _year(term: TermFacts) -> YearOverYear | None:
    """The change over a year, where it is clear and no change of level within the year explains it."""
    year = term.insights.year_over_year
    if year is None or abs(year.change) <= change_band(year.value - year.change) or _changed_within_a_year(term):
        return None
    return year


def _than(year: YearOverYear) -> str:
    return "higher" if year.change > 0 else "lower"


def _changed_within_a_year(term: TermFacts) -> bool:
    """Whether the level changed since a year ago, which another sentence says."""
    last = term.dates[-1]
    year_before = f"{int(last[:4]) - 1}{last[4:]}"
    return any(change.date > year_before for change in term.insights.change_points)
