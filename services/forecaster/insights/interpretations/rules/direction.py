"""Where each term is going, and whether that is its season."""

from __future__ import annotations

from services.common.change_band import change_band
from services.forecaster.engine.bundle.confidence import LOW_CONFIDENCE
from services.forecaster.engine.bundle.quality import SMALLEST
from services.forecaster.insights.interpretations.facts import Facts, TermFacts, mean
from services.forecaster.insights.interpretations.finding import Finding, tenth
from services.forecaster.insights.interpretations.wording import (
    count,
    from_to,
    in_points,
    number,
    numbers,
    percent,
    points,
    recurrence,
)

HIGH_CONFIDENCE = 70.0  # per cent; the bundle's confidence ends below 88
SEASONAL_SHARE = 0.5  # of the forecast change, that the year before must show to explain it
_VERBS = {"rising": "rise", "falling": "fall", "stable": "stay about level"}
_NOUNS = {"rising": "rise", "falling": "fall"}
_SIGNS = {"rising": 1, "falling": -1}


def direction_of_both(facts: Facts) -> Finding | None:
    """Both terms are forecast to do the same."""
    if not _share_direction(facts):
        return None
    both = facts.a.forecast.direction
    first, second = (_in_short(term) for term in (facts.a, facts.b))
    return Finding(
        80 if both in _SIGNS else 62,
        "sameDirection",
        None,
        f"Both terms {_hedged(facts.a)} {_VERBS[both]} over the next {count(facts.horizon, facts.step)}: "
        f"{first}, {second}.",
        {
            "direction": both,
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
    if _share_direction(facts) or not _has_direction(term):
        return None
    return Finding(
        (70 if forecast.direction in _SIGNS else 52) + forecast.confidence / 10,
        forecast.direction,
        term.label,
        f"{term.name} {_hedged(term)} {_VERBS[forecast.direction]}: {_change(facts, term)} (confidence "
        f"{percent(forecast.confidence)}).",
        {
            "steps": facts.horizon,
            "periods": _periods_before(facts, term),
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
    seasonal = term.insights.season is not None
    how = f"with its {recurrence(facts.step)}" if seasonal else "widely"
    return Finding(
        64,
        "volatile",
        term.label,
        f"{term.name} {_hedged(term)} swing {how} rather than rise or fall: {points(term.forecast_mean)} on average "
        f"over the next {count(facts.horizon, facts.step)}, after {lowest} to {highest} over the last {len(recent)} "
        f"(confidence {percent(term.forecast.confidence)}).",
        {
            "steps": facts.horizon,
            "periods": len(recent),
            "lowest": tenth(min(recent)),
            "highest": tenth(max(recent)),
            "forecast": tenth(term.forecast_mean),
            "confidence": tenth(term.forecast.confidence),
            "seasonal": seasonal,
        },
    )


def seasonal_direction_of_both(facts: Facts) -> Finding | None:
    """The same forecast change of both is what the season did a year before."""
    a, b = _seasonal_change(facts, facts.a), _seasonal_change(facts, facts.b)
    if a is None or b is None or not _share_direction(facts):
        return None
    both = facts.a.forecast.direction
    return Finding(
        68,
        "sameSeasonalDirection",
        None,
        f"Both {_NOUNS[both]}s look seasonal: over the same {count(facts.horizon, facts.step)} a year before, "
        f"{facts.a.name} went {from_to(*a)} and {facts.b.name} {from_to(*b)} on average.",
        {
            "direction": both,
            "steps": facts.horizon,
            "beforeA": tenth(a[0]),
            "afterA": tenth(a[1]),
            "beforeB": tenth(b[0]),
            "afterB": tenth(b[1]),
        },
    )


def seasonal_direction(facts: Facts, term: TermFacts) -> Finding | None:
    """The forecast change is what the season did a year before."""
    change = _seasonal_change(facts, term)
    if change is None or seasonal_direction_of_both(facts) is not None:
        return None
    before, after = change
    return Finding(
        68,
        "seasonalDirection",
        term.label,
        f"The {_NOUNS[term.forecast.direction]} of {term.name} looks seasonal: over the same "
        f"{count(facts.horizon, facts.step)} a year before, it went {from_to(before, after)} on average.",
        {"direction": term.forecast.direction, "steps": facts.horizon, "before": tenth(before), "after": tenth(after)},
    )


def _share_direction(facts: Facts) -> bool:
    """Whether one sentence says the direction of both: the same one, about as sure."""
    a, b = facts.a, facts.b
    if facts.scaled_apart or a.forecast.direction != b.forecast.direction or _hedged(a) != _hedged(b):
        return False
    return _has_direction(a) and _has_direction(b)


def _has_direction(term: TermFacts) -> bool:
    """Whether the direction is rising, falling or stable, is worth a sentence, and agrees with its numbers."""
    if term.forecast.direction == "stable":
        return max(term.recent_mean, term.forecast_mean) >= SMALLEST
    sign = _SIGNS.get(term.forecast.direction, 0)
    return sign * (term.forecast_mean - term.recent_mean) > 0


def _hedged(term: TermFacts) -> str:
    confidence = round(term.forecast.confidence)
    if confidence < LOW_CONFIDENCE or term.is_short:
        return "may"
    return "will probably" if confidence < HIGH_CONFIDENCE else "will very probably"


def _change(facts: Facts, term: TermFacts) -> str:
    """Means of the horizon and of as many periods before."""
    before, after = numbers(term.recent_mean, term.forecast_mean)
    if term.forecast.direction == "stable":  # tenths do not matter
        before, after = number(term.recent_mean), number(term.forecast_mean)
    known = _periods_before(facts, term)
    compared = f"as over the last {known}" if before == after else f"against {before} over the last {known}"
    return f"{in_points(after)} on average over the next {count(facts.horizon, facts.step)}, {compared}"


def _periods_before(facts: Facts, term: TermFacts) -> int:
    """As many periods before the forecast as are forecast, or all that are known."""
    return min(facts.horizon, len(term.values))


def _in_short(term: TermFacts) -> str:
    if term.forecast.direction in _SIGNS:
        change = from_to(term.recent_mean, term.forecast_mean)
    else:
        change = f"at {points(term.forecast_mean)}"
    return f"{term.name} {change} on average (confidence {percent(term.forecast.confidence)})"


def _seasonal_change(facts: Facts, term: TermFacts) -> tuple[float, float] | None:
    """What explains the forecast change: means a year before of the periods before the horizon's, and of these.

    None where the season is no longer than the horizon, too few periods are known, or the year before was different.
    """
    sign, horizon = _SIGNS.get(term.forecast.direction), facts.horizon
    start = len(term.values) - facts.season
    if sign is None or term.insights.season is None or facts.season <= horizon or start < horizon:
        return None
    before, after = mean(term.values[start - horizon : start]), mean(term.values[start : start + horizon])
    change, expected = sign * (after - before), sign * (term.forecast_mean - term.recent_mean)
    if expected <= 0 or change <= change_band(before) or change < SEASONAL_SHARE * expected:
        return None
    return before, after
