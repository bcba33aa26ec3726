"""Who will be ahead."""

from __future__ import annotations

from services.forecaster.insights.interpretations.facts import Facts, Margin, TermFacts
from services.forecaster.insights.interpretations.finding import Finding, tenth
from services.forecaster.insights.interpretations.wording import count, futures, in_period, period, points

OPEN = 60.0  # a probability, 0 to 100, below which the winner is open
LIKELY = 75.0  # from here on it is probable
ALMOST_CERTAIN = 95.0
CLEAR_CROSSOVER = 60.0  # least probability of the term behind, at its best date
CLOSE_RACE = 30.0  # the same, for a date at which it stays the less likely one …
BETTER_CHANCE = 10.0  # … if it is this much above its chance over the whole horizon


def future_leader(facts: Facts) -> Finding | None:
    """The term that is more likely ahead on average over the horizon."""
    leader, probability = _favourite(facts)
    if leader is None or facts.head_to_head is None or round(probability) < OPEN:
        return None
    margin = facts.head_to_head.expected_margin
    by = "" if not tenth(margin) or (margin > 0) != (leader == facts.b) else f", typically by {points(abs(margin))}"
    keeps = leader == facts.current_leader and facts.head_to_head.crossover_date is None
    return Finding(
        90,
        "futureLeader",
        None,
        f"{leader.name} {_chance(probability)} {'stay' if keeps else 'be'} ahead over the next "
        f"{count(facts.horizon, facts.step)}: its average is higher {futures(probability)}{by}.",
        {
            "leader": leader.label,
            "probability": tenth(probability),
            "margin": tenth(margin),
            "leadsNow": leader == facts.current_leader,
            "steps": facts.horizon,
        },
    )


def future_open(facts: Facts) -> Finding | None:
    """Neither term is clearly more likely ahead on average over the horizon."""
    favourite, probability = _favourite(facts)
    if facts.head_to_head is None or round(probability) >= OPEN:
        return None
    if favourite is None:
        chances = "the chances are even, 50 of 100 simulated futures each"
    else:
        chances = f"the average of {favourite.name} is higher {futures(probability)}"
    return Finding(
        90,
        "futureOpen",
        None,
        f"Who will be ahead over the next {count(facts.horizon, facts.step)} is open: {chances}.",
        {
            "favourite": favourite.label if favourite else None,
            "probability": tenth(probability),
            "steps": facts.horizon,
        },
    )


def crossover(facts: Facts) -> Finding | None:
    """The term that is behind now is more likely ahead at some date of the horizon."""
    leader, compared = facts.current_leader, facts.head_to_head
    if leader is None or compared is None or compared.crossover_date is None:
        return None
    behind = facts.other(leader)
    ahead = [each for each in compared.margins if _probability_of(behind, each) > 50]
    if not ahead or ahead[0].date != compared.crossover_date:
        return None
    best = max(ahead, key=lambda each: _probability_of(behind, each))
    probability = _probability_of(behind, best)
    if round(probability) < CLEAR_CROSSOVER:
        return None
    return Finding(
        85,
        "crossover",
        None,
        f"{behind.name} is behind now, but will more likely than not be ahead "
        f"{_duration(facts, compared.margins, ahead)}, {futures(probability, at_most=len(ahead) > 1)}.",
        {
            "leader": behind.label,
            "date": ahead[0].date,
            "steps": facts.horizon,
            "stepsAhead": len(ahead),
            "bestDate": best.date,
            "bestProbability": tenth(probability),
        },
    )


def close_race(facts: Facts) -> Finding | None:
    """The term that is behind stays behind, but has a fair chance at the date at which it is closest."""
    leader, compared = facts.current_leader, facts.head_to_head
    if leader is None or compared is None or compared.crossover_date is not None:
        return None
    favourite, winner_probability = _favourite(facts)
    if favourite != leader or round(winner_probability) < OPEN:
        return None
    behind = facts.other(leader)
    closest = max(compared.margins, key=lambda each: _probability_of(behind, each))
    probability = _probability_of(behind, closest)
    if probability < max(CLOSE_RACE, 100 - winner_probability + BETTER_CHANCE) or probability > 50:
        return None
    return Finding(
        56,
        "closeRace",
        None,
        f"{behind.name} has its best chance {in_period(closest.date, facts.step)}: it is ahead then "
        f"{futures(probability)}.",
        {"behind": behind.label, "date": closest.date, "probability": tenth(probability)},
    )


def _favourite(facts: Facts) -> tuple[TermFacts | None, float]:
    """The term that is more likely ahead on average over the horizon, and its probability.

    None for chances that are equal when they are rounded.
    """
    if facts.head_to_head is None:
        return None, 0.0
    probability = facts.head_to_head.winner_probability
    if round(probability) == 50:
        return None, probability
    return (facts.b, probability) if probability > 50 else (facts.a, 100 - probability)


def _probability_of(term: TermFacts, margin: Margin) -> float:
    return margin.lead_probability if term.label == "termB" else 100 - margin.lead_probability


def _chance(probability: float) -> str:
    if round(probability) >= ALMOST_CERTAIN:
        return "will almost certainly"
    return "will probably" if round(probability) >= LIKELY else "has the better chance to"


def _duration(facts: Facts, margins: tuple[Margin, ...], ahead: list[Margin]) -> str:
    """When a term is more likely ahead: `ahead` are those dates of the horizon."""
    first = ahead[0].date
    if len(ahead) == 1:
        return f"{in_period(first, facts.step)} alone"
    if ahead == list(margins[-len(ahead) :]):
        return f"from {period(first, facts.step)} on"
    return f"in {len(ahead)} of the next {count(facts.horizon, facts.step)}, first {in_period(first, facts.step)}"
