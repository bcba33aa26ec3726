"""Seasons of both terms."""

from __future__ import annotations

from services.common.comparison import Step
from services.forecaster.insights.interpretations.facts import Facts, TermFacts
from services.forecaster.insights.interpretations.finding import Finding, tenth
from services.forecaster.insights.interpretations.wording import count, recurrence, signed_points
from services.forecaster.insights.term.decomposition import MIN_SEASONS
from services.forecaster.insights.types import Season

SMALLEST_EFFECT = 1.0  # points: a smaller season is not worth a sentence
LARGE_EFFECT = 10.0  # points: a season that moves the term this far matters more


def season_of_both(facts: Facts) -> Finding | None:
    """Both terms have a season: the same or different ones."""
    a, b = _season(facts.a), _season(facts.b)
    shared = facts.together.shared_season if facts.together else None
    if a is None or b is None or shared is None:
        return None
    name = recurrence(facts.step)
    relation = f"Both terms have the same {name}" if shared else f"Each term has a {name} of its own"
    return Finding(
        66,
        "sharedSeason" if shared else "differentSeasons",
        None,
        f"{relation}: {facts.a.name} is highest {_peak(a, facts.step)} and "
        f"lowest {_low(a, facts.step)}, {facts.b.name} is highest {_peak(b, facts.step)} and lowest "
        f"{_low(b, facts.step)}.",
        {
            "peakA": _extreme(a)["peak"],
            "lowA": _extreme(a)["low"],
            "peakB": _extreme(b)["peak"],
            "lowB": _extreme(b)["low"],
        },
    )


def season(facts: Facts, term: TermFacts) -> Finding | None:
    """The term has a season."""
    found = _season(term)
    if found is None or season_of_both(facts) is not None:
        return None
    return Finding(
        65 if _effect(found) >= LARGE_EFFECT else 55,
        "season",
        term.label,
        f"{term.name} has a {recurrence(facts.step)}: it is highest {_peak(found, facts.step)} and lowest "
        f"{_low(found, facts.step)}.",
        _extreme(found),
    )


def season_unknown(facts: Facts) -> Finding | None:
    """The series is too short for a season to be known."""
    periods = len(facts.a.values)
    needed = MIN_SEASONS * facts.season
    if periods >= needed:
        return None
    return Finding(
        28,
        "seasonUnknown",
        None,
        f"Whether there is a {recurrence(facts.step)} cannot be known: that needs {count(needed, facts.step)}, "
        f"and {count(periods, facts.step)} {'is' if periods == 1 else 'are'} known.",
        {"periods": periods, "needed": needed},
    )


def _season(term: TermFacts) -> Season | None:
    found = term.insights.season
    return found if found and _effect(found) >= SMALLEST_EFFECT else None


def _effect(found: Season) -> float:
    return max(abs(found.peak.effect), abs(found.low.effect))


def _peak(found: Season, step: Step) -> str:
    return f"{_at(found.peak.place, step)} ({signed_points(found.peak.effect)})"


def _low(found: Season, step: Step) -> str:
    return f"{_at(found.low.place, step)} ({signed_points(found.low.effect)})"


def _at(place: str, step: Step) -> str:
    """A place with its preposition; that of hours has its own."""
    preposition = {Step.HOURLY: "", Step.DAILY: "on "}.get(step, "in ")
    return f"{preposition}{place}"


def _extreme(found: Season) -> dict[str, object]:
    return {
        name: {"from": part.from_, "to": part.to, "effect": tenth(part.effect)}
        for name, part in (("peak", found.peak), ("low", found.low))
    }
