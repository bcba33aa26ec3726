"""Where each term is going, compared with the recent past and with a year ago."""

from __future__ import annotations

from services.common.change_band import change_band
from services.forecaster.insights.interpretations.facts import Facts, TermFacts, mean
from services.forecaster.insights.interpretations.finding import Finding, tenth
from services.forecaster.insights.interpretations.wording import (
    count,
    from_to,
    in_points,
    numbers,
    percent,
    period,
    points,
)

LOW_CONFIDENCE = 40.0  # per cent, as in the bundle's warnings
HIGH_CONFIDENCE = 70.0  # the bundle's confidence ends below 88
SEASONAL_SHARE = 0.5  # of the forecast change, that the year before must show to explain it
STRONG_TREND = 0.6  # strength of the trend, 0 to 1
LONG_CHANGE = 5.0  # points: least change of the trend over the whole series …
LONG_CHANGE_SHARE = 0.25  # … and the least share of the higher end
_VERBS = {"rising": "rise", "falling": "fall", "stable": "stay about level"}
_SIGNS = {"rising": 1, "falling": -1}


def direction_of_both(facts: Facts) -> Finding | None:
    """Both terms are forecast to do the same."""
    if not _share_direction(facts):
        return None
    direction = facts.a.forecast.direction
    sureness = min(facts.a.forecast.confidence, facts.b.forecast.confidence)
    first, second = (_in_short(term) for term in (facts.a, facts.b))
    return Finding(
        80 if direction in _SIGNS else 62,
        "sameDirection",
        None,
        f"Both terms {_hedged(sureness)} {_VERBS[direction]} over the next {count(facts.horizon, facts.step)}: "
        f"{first}, {second}.",
        {
            "direction": direction,
            "steps": facts.horizon,
            "recentA": tenth(facts.a.recent_mean),
            "forecastA": tenth(facts.a.forecast_mean),
            "confidenceA": tenth(facts.a.forecast.confidence),
            "recentB": tenth(facts.b.recent_mean),
            "forecastB": tenth(facts.b.forecast_mean),
            "confidenceB": tenth(facts.b.forecast.confidence),
        },
    )


def direction(facts: Facts, term: TermFacts) -> Finding | None:
    """The term is forecast to rise, to fall or to stay level."""
    forecast = term.forecast
    if _share_direction(facts) or not _is_told(term):
        return None
    return Finding(
        (70 if forecast.direction in _SIGNS else 52) + forecast.confidence / 10,
        forecast.direction,
        term.label,
        f"{term.name} {_hedged(forecast.confidence)} {_VERBS[forecast.direction]}: {_change(facts, term)} (confidence "
        f"{percent(forecast.confidence)}).",
        {
            "steps": facts.horizon,
            "recent": tenth(term.recent_mean),
            "forecast": tenth(term.forecast_mean),
            "confidence": tenth(forecast.confidence),
        },
    )


def volatile(facts: Facts, term: TermFacts) -> Finding | None:
    """The term has no direction and swings widely."""
    if term.forecast.direction != "volatile":
        return None
    recent = term.values[-facts.horizon :]
    lowest, highest = numbers(min(recent), max(recent))
    return Finding(
        64,
        "volatile",
        term.label,
        f"{term.name} swings widely, between {lowest} and {highest} points over the last "
        f"{count(len(recent), facts.step)}, around no clear direction: the forecast average is "
        f"{points(term.forecast_mean)}.",
        {
            "lowest": tenth(min(recent)),
            "highest": tenth(max(recent)),
            "periods": len(recent),
            "forecast": tenth(term.forecast_mean),
        },
    )


def seasonal_direction(facts: Facts, term: TermFacts) -> Finding | None:
    """The forecast change is what the season did a year before."""
    sign = _SIGNS.get(term.forecast.direction)
    before_and_after = _year_before(facts, term)
    if sign is None or before_and_after is None or term.insights.season is None:
        return None
    before, after = before_and_after
    change = sign * (after - before)
    expected = sign * (term.forecast_mean - term.recent_mean)
    if expected <= 0 or change <= change_band(before) or change < SEASONAL_SHARE * expected:
        return None
    noun = "rise" if sign > 0 else "fall"
    return Finding(
        68,
        "seasonalDirection",
        term.label,
        f"The {noun} of {term.name} looks seasonal: over the same {count(facts.horizon, facts.step)} a year before, "
        f"it went {from_to(before, after)} on average.",
        {"direction": term.forecast.direction, "before": tenth(before), "after": tenth(after), "steps": facts.horizon},
    )


def year_over_year(facts: Facts, term: TermFacts) -> Finding | None:
    """The last four periods differ clearly from those of a year before."""
    year = term.insights.year_over_year
    if year is None or _changed_within_a_season(facts, term):
        return None
    before = year.value - year.change
    if abs(year.change) <= change_band(before):
        return None
    than = "higher" if year.change > 0 else "lower"
    first, second = numbers(year.value, before)
    return Finding(
        54 + min(10.0, abs(year.change) / 5),
        "yearOverYear",
        term.label,
        f"{term.name} is {than} than a year ago: {first} points on average over the last "
        f"{count(4, facts.step)}, against {second}.",
        {"value": tenth(year.value), "change": tenth(year.change)},
    )


def long_trend(facts: Facts, term: TermFacts) -> Finding | None:
    """The trend over the whole series."""
    decomposition = term.insights.decomposition
    if decomposition is None or decomposition.trend_strength < STRONG_TREND or term.insights.change_points:
        return None
    known = [value for value in decomposition.trend if value is not None]
    if not known:
        return None
    first, last = known[0], known[-1]
    if abs(last - first) < max(LONG_CHANGE, LONG_CHANGE_SHARE * max(first, last)):
        return None
    return Finding(
        50,
        "longTrend",
        term.label,
        f"The trend of {term.name}, season aside, {'rose' if last > first else 'fell'} {from_to(first, last)} since "
        f"{period(term.dates[0], facts.step)}.",
        {
            "from": tenth(first),
            "to": tenth(last),
            "since": term.dates[0],
            "strength": round(decomposition.trend_strength, 2),
        },
    )


def _share_direction(facts: Facts) -> bool:
    """Whether one sentence says the direction of both."""
    same = facts.a.forecast.direction == facts.b.forecast.direction
    return same and not facts.scaled_apart and _is_told(facts.a) and _is_told(facts.b)


def _is_told(term: TermFacts) -> bool:
    """Whether the direction is rising, falling or stable, and its numbers agree with it."""
    sign = _SIGNS.get(term.forecast.direction, 0)
    return term.forecast.direction in _VERBS and (not sign or sign * (term.forecast_mean - term.recent_mean) > 0)


def _hedged(confidence: float) -> str:
    if confidence < LOW_CONFIDENCE:
        return "may"
    return "will probably" if confidence < HIGH_CONFIDENCE else "will very probably"


def _change(facts: Facts, term: TermFacts) -> str:
    """Means of the horizon and of as many periods before."""
    before, after = numbers(term.recent_mean, term.forecast_mean)
    known = min(facts.horizon, len(term.values))
    compared = f"as over the last {known}" if before == after else f"against {before} over the last {known}"
    return f"{in_points(after)} on average over the next {count(facts.horizon, facts.step)}, {compared}"


def _in_short(term: TermFacts) -> str:
    if term.forecast.direction in _SIGNS:
        change = from_to(term.recent_mean, term.forecast_mean)
    else:
        change = f"at {points(term.forecast_mean)}"
    return f"{term.name} {change} on average (confidence {percent(term.forecast.confidence)})"


def _year_before(facts: Facts, term: TermFacts) -> tuple[float, float] | None:
    """What the term did a year before: means of the periods before the horizon's, and of the horizon's.

    None where the season is no longer than the horizon, or too few periods are known.
    """
    start, horizon = len(term.values) - facts.season, facts.horizon
    if facts.season <= horizon or start < horizon:
        return None
    return mean(term.values[start - horizon : start]), mean(term.values[start : start + horizon])


def _changed_within_a_season(facts: Facts, term: TermFacts) -> bool:
    """Whether the level changed since the period a year ago, so that the change has another reason."""
    return any(change.date >= term.dates[-facts.season :][0] for change in term.insights.change_points)
