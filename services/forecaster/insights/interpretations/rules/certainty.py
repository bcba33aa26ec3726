"""How sure the forecasts are, and what limits them."""

from __future__ import annotations

from collections.abc import Sequence

from services.forecaster.engine.bundle.quality import SHORT_HORIZONS, SMALLEST
from services.forecaster.insights.interpretations.facts import Facts, TermFacts
from services.forecaster.insights.interpretations.finding import Finding, tenth
from services.forecaster.insights.interpretations.wording import (
    count,
    in_period,
    in_points,
    numbers,
    period,
    points,
    share_of,
)

SMALLEST_ERROR = 0.5  # points: smaller ones are below the rounding of the data
LEAST_CONSTANT = 3  # periods


def few_data(facts: Facts) -> Finding | None:
    """The series is short for its horizon."""
    periods, needed = len(facts.a.values), SHORT_HORIZONS * facts.horizon
    if not facts.a.is_short:
        return None
    return Finding(
        88,
        "fewData",
        None,
        f"Only {count(periods, facts.step)} {'is' if periods == 1 else 'are'} known, so the forecasts are uncertain: "
        f"for {count(facts.horizon, facts.step)} ahead, at least {needed} are needed.",
        {"periods": periods, "needed": needed, "steps": facts.horizon},
    )


def mostly_zero_of_both(facts: Facts) -> Finding | None:
    """Both terms have hardly any search interest."""
    below_a, below_b = _periods_below(facts.a), _periods_below(facts.b)
    if not below_a or not below_b:
        return None
    periods = len(facts.a.values)
    return Finding(
        66,
        "bothMostlyZero",
        None,
        f"Both terms have too little search interest to measure most of the time: {facts.a.name} is below 1 point in "
        f"{share_of(below_a, periods, facts.step)}, {facts.b.name} in {share_of(below_b, periods, facts.step)}.",
        {"belowA": below_a, "belowB": below_b, "periods": periods},
    )


def mostly_zero(facts: Facts, term: TermFacts) -> Finding | None:
    """The term has hardly any search interest."""
    below, periods = _periods_below(term), len(term.values)
    if not below or mostly_zero_of_both(facts) is not None:
        return None
    return Finding(
        66,
        "mostlyZero",
        term.label,
        f"{term.name} has too little search interest to measure in {share_of(below, periods, facts.step)}: it is "
        "below 1 point then.",
        {"below": below, "periods": periods},
    )


def constant(facts: Facts, term: TermFacts) -> Finding | None:
    """All values of the term are equal, at a level that can be measured."""
    if len(term.values) < LEAST_CONSTANT or len(set(term.values)) > 1 or term.last < SMALLEST:
        return None
    return Finding(
        66,
        "constant",
        term.label,
        f"{term.name} has not moved: it is at {points(term.last)} in all {count(len(term.values), facts.step)}.",
        {"value": tenth(term.last), "periods": len(term.values)},
    )


def accuracy(facts: Facts) -> Finding | None:
    """How far earlier forecasts of the same series were off."""
    a, b = facts.a.forecast, facts.b.forecast
    if facts.scaled_apart or a.mean_error is None or b.mean_error is None:
        return None
    if max(a.mean_error, b.mean_error) < SMALLEST_ERROR:
        return None
    first, second = numbers(a.mean_error, b.mean_error)
    missed = f"{in_points(first)} on average for {facts.a.name} and by {second} for {facts.b.name}"
    if first == second:
        missed = f"{in_points(first)} on average for both terms"
    return Finding(
        40,
        "accuracy",
        None,
        f"Tested on the past, such forecasts missed by {missed}.",
        {
            "errorA": tenth(a.mean_error),
            "errorB": tenth(b.mean_error),
            "windowsA": a.windows,
            "windowsB": b.windows,
        },
    )


def forecast_range(facts: Facts, term: TermFacts) -> Finding | None:
    """The forecast of the last period and its 80 % interval."""
    forecast = term.forecast
    lower, upper = numbers(forecast.lower80[-1], forecast.upper80[-1])
    return Finding(
        25,
        "forecastRange",
        term.label,
        f"{term.name} is forecast at {points(forecast.values[-1])} {in_period(forecast.dates[-1], facts.step)}, with "
        f"a probability of 80 % between {lower} and {upper}.",
        {
            "date": forecast.dates[-1],
            "value": tenth(forecast.values[-1]),
            "lower80": tenth(forecast.lower80[-1]),
            "upper80": tenth(forecast.upper80[-1]),
        },
    )


def gaps_filled(facts: Facts) -> Finding | None:
    """Missing values were interpolated."""
    if not any("gapsFilled" in term.forecast.flags for term in (facts.a, facts.b)):
        return None
    periods = len(facts.a.values)
    return Finding(
        34,
        "gapsFilled",
        None,
        f"Some of the {count(periods, facts.step)} had no value and were interpolated.",
        {"periods": periods},
    )


def partial_period(facts: Facts) -> Finding | None:
    """The last period is incomplete and left out."""
    date = facts.a.partial_date
    if date is None:
        return None
    name = period(date, facts.step)
    return Finding(
        33,
        "partialPeriod",
        None,
        f"{name[0].upper()}{name[1:]} was not complete when the data were exported, so it is the first of the "
        f"{count(facts.horizon, facts.step)} that are forecast.",
        {"date": date, "steps": facts.horizon},
    )


def _periods_below(term: TermFacts) -> int:
    """Periods without measurable search interest; 0 unless they are most of all periods and of the last ones."""
    recent = term.values[-len(term.forecast.values) :]
    if "mostlyZero" not in term.forecast.flags or 2 * _below(recent) < len(recent):
        return 0
    return _below(term.values)


def _below(values: Sequence[float]) -> int:
    return sum(value < SMALLEST for value in values)
