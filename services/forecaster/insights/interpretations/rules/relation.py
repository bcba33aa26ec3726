"""Whether the terms move together, and whether one precedes the other."""

from __future__ import annotations

from services.forecaster.insights.interpretations.facts import Facts
from services.forecaster.insights.interpretations.finding import Finding, hundredth
from services.forecaster.insights.interpretations.wording import correlation, count, unit
from services.forecaster.insights.types import Correlation

CLEAR_CORRELATION = 0.3  # a weaker one is not worth a sentence
LEAST_CORRELATION = 0.1  # that its interval excludes
STRONG_CORRELATION = 0.6


def lead_lag(facts: Facts) -> Finding | None:
    """The changes of one term precede those of the other."""
    found = facts.together.lead_lag if facts.together else None
    if found is None:
        return None
    first = facts.a if found.steps > 0 else facts.b
    second, steps = facts.other(first), abs(found.steps)
    return Finding(
        67,
        "leadLag",
        None,
        f"Changes of {first.name} tend to precede those of {second.name} by {count(steps, facts.step)}, "
        f"in the same direction (correlation {correlation(found.correlation)}).",
        {"leads": first.label, "lag": steps, "correlation": hundredth(found.correlation)},
    )


def moves_together(facts: Facts) -> Finding | None:
    """The changes of both terms are clearly correlated."""
    found = _correlation(facts)
    if found is None or abs(found.value) < CLEAR_CORRELATION or _least(found) < LEAST_CORRELATION:
        return None
    same = found.value > 0
    return Finding(
        59 if abs(found.value) >= STRONG_CORRELATION else 49,
        "moveTogether" if same else "moveOpposite",
        None,
        f"From {unit(facts.step)} to {unit(facts.step)}, {facts.a.name} and {facts.b.name} tend to move "
        f"{'together' if same else 'in opposite directions'}: {_interval(found)}.",
        _evidence(found),
    )


def moves_apart(facts: Facts) -> Finding | None:
    """The changes of both terms are at most weakly correlated."""
    found = _correlation(facts)
    if found is None or lead_lag(facts) is not None:
        return None
    if max(abs(found.lower95), abs(found.upper95)) >= CLEAR_CORRELATION:
        return None
    return Finding(
        32,
        "moveApart",
        None,
        f"From {unit(facts.step)} to {unit(facts.step)}, {facts.a.name} and {facts.b.name} move almost independently: "
        f"{_interval(found)}.",
        _evidence(found),
    )


def _correlation(facts: Facts) -> Correlation | None:
    return facts.together.correlation if facts.together else None


def _least(found: Correlation) -> float:
    """The end of the interval that is nearer to 0, in the direction of the correlation."""
    return found.lower95 if found.value > 0 else -found.upper95


def _interval(found: Correlation) -> str:
    return (
        f"their changes have a correlation of {correlation(found.value)} (95 % interval "
        f"{correlation(found.lower95)} to {correlation(found.upper95)})"
    )


def _evidence(found: Correlation) -> dict[str, object]:
    return {
        "correlation": hundredth(found.value),
        "lower95": hundredth(found.lower95),
        "upper95": hundredth(found.upper95),
    }
