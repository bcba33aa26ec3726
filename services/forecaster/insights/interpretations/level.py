"""Who is ahead, and who will be."""

from __future__ import annotations

from services.forecaster.insights.interpretations.facts import Facts, Margin, TermFacts, is_tie, mean
from services.forecaster.insights.interpretations.finding import Finding, tenth
from services.forecaster.insights.interpretations.wording import (
    count,
    futures,
    in_period,
    numbers,
    period,
    points,
    unit,
)

OPEN = 60.0  # a probability, 0 to 100, below which a winner is open
LIKELY = 75.0  # from here on it is probable
ALMOST_CERTAIN = 95.0
CLOSE_RACE = 25.0  # least probability of the term behind at the date at which it is closest
MANY_LEAD_CHANGES = 20  # the insights list no more
LEAST_HISTORY = 8  # periods; over fewer, a share of them says little


def scaled_apart(facts: Facts) -> Finding | None:
    """The terms come from separate exports, so that their levels cannot be compared."""
    if not facts.scaled_apart:
        return None
    highest_a, highest_b = max(facts.a.values), max(facts.b.values)
    first, second = numbers(highest_a, highest_b)
    return Finding(
        100,
        "scaledApart",
        None,
        f"Levels cannot be compared, so there is no leader: {facts.a.name} and {facts.b.name} come from separate "
        f"exports, each scaled by itself (their highest values are {first} and {second}).",
        {"highestA": tenth(highest_a), "highestB": tenth(highest_b)},
    )


def current_leader(facts: Facts) -> Finding | None:
    """The term that is ahead in the last complete period."""
    leader = facts.current_leader
    if leader is None:
        return None
    other = facts.other(leader)
    first, second = numbers(leader.last, other.last)
    when = in_period(facts.last_date, facts.step)
    return Finding(
        95,
        "currentLeader",
        None,
        f"{leader.name} is ahead of {other.name}: {first} points against {second} {when}.",
        {"leader": leader.label, **_levels(facts), "date": facts.last_date},
    )


def current_tie(facts: Facts) -> Finding | None:
    """Both terms have the same value in the last complete period."""
    if facts.scaled_apart or facts.current_leader is not None:
        return None
    when = in_period(facts.last_date, facts.step)
    return Finding(
        95,
        "currentTie",
        None,
        f"{facts.a.name} and {facts.b.name} are level: both at {points(facts.a.last)} {when}.",
        {**_levels(facts), "date": facts.last_date},
    )


def future_leader(facts: Facts) -> Finding | None:
    """The term that is more likely ahead on average over the horizon."""
    leader, probability = _favourite(facts)
    if leader is None or facts.head_to_head is None or probability < OPEN:
        return None
    margin = facts.head_to_head.expected_margin
    by = "" if is_tie(margin) or (margin > 0) != (leader == facts.b) else f", typically by {points(abs(margin))}"
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
    if facts.head_to_head is None or probability >= OPEN:
        return None
    chances = "the chances are even, 50 of 100 simulated futures each"
    if favourite is not None:
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
    return Finding(
        85,
        "crossover",
        None,
        f"{behind.name} is behind now, but more likely ahead than {leader.name} "
        f"{_duration(facts, compared.margins, ahead)}, {futures(probability, at_most=len(ahead) > 1)}.",
        {
            "leader": behind.label,
            "date": ahead[0].date,
            "steps": len(ahead),
            "bestDate": best.date,
            "bestProbability": tenth(probability),
        },
    )


def close_race(facts: Facts) -> Finding | None:
    """The term that is behind stays behind, but has a fair chance at the date at which it is closest."""
    leader, compared = facts.current_leader, facts.head_to_head
    if leader is None or compared is None or compared.crossover_date is not None or not compared.margins:
        return None
    favourite, winner_probability = _favourite(facts)
    if favourite != leader or winner_probability < OPEN:
        return None
    behind = facts.other(leader)
    closest = max(compared.margins, key=lambda each: _probability_of(behind, each))
    probability = _probability_of(behind, closest)
    if not CLOSE_RACE <= probability <= 50:
        return None
    return Finding(
        56,
        "closeRace",
        None,
        f"{behind.name} has its best chance {in_period(closest.date, facts.step)}: it is ahead then "
        f"{futures(probability)}.",
        {"behind": behind.label, "date": closest.date, "probability": tenth(probability)},
    )


def past_leader(facts: Facts) -> Finding | None:
    """How often which term was ahead in the past."""
    if facts.scaled_apart or len(facts.a.values) < LEAST_HISTORY:
        return None
    ahead = {
        term.label: sum(
            value > other_value and not is_tie(value - other_value)
            for value, other_value in zip(term.values, facts.other(term).values, strict=True)
        )
        for term in (facts.a, facts.b)
    }
    if ahead[facts.a.label] == ahead[facts.b.label]:
        return None
    leader = max((facts.a, facts.b), key=lambda term: ahead[term.label])
    periods = len(leader.values)
    share = f"{ahead[leader.label]} of {periods} {unit(facts.step)}s"
    if ahead[leader.label] == periods:
        share = f"all {periods} {unit(facts.step)}s"
    means = mean(leader.values), mean(facts.other(leader).values)
    averages = ""
    if means[0] > means[1] and not is_tie(means[0] - means[1]):
        first, second = numbers(*means)
        averages = f", with {first} points on average against {second}"
    return Finding(
        58,
        "pastLeader",
        None,
        f"Since {period(leader.dates[0], facts.step)}, {leader.name} has been ahead in {share}{averages}.",
        {
            "leader": leader.label,
            "ahead": ahead[leader.label],
            "periods": periods,
            "meanA": tenth(mean(facts.a.values)),
            "meanB": tenth(mean(facts.b.values)),
            "since": leader.dates[0],
        },
    )


def lead_changes(facts: Facts) -> Finding | None:
    """How often the lead changed, and when last."""
    changes = facts.together.lead_changes if facts.together else ()
    leader = facts.current_leader
    if leader is None or not changes or changes[-1].leader != leader.label:
        return None
    last, known = changes[-1].date, len(changes)
    how_often = "once" if known == 1 else f"at least {known} times" if known >= MANY_LEAD_CHANGES else f"{known} times"
    return Finding(
        57,
        "leadChanges",
        None,
        f"The lead changed {how_often}{',' if known == 1 else ', last'} {in_period(last, facts.step)}, when "
        f"{leader.name} passed {facts.other(leader).name}.",
        {"changes": known, "lastDate": last, "leader": leader.label},
    )


def _levels(facts: Facts) -> dict[str, object]:
    margin = facts.b.last - facts.a.last
    return {"valueA": tenth(facts.a.last), "valueB": tenth(facts.b.last), "margin": tenth(margin)}


def _favourite(facts: Facts) -> tuple[TermFacts | None, float]:
    """The term that is more likely ahead on average over the horizon, and its probability; None for equal chances."""
    if facts.head_to_head is None:
        return None, 0.0
    probability = facts.head_to_head.winner_probability
    if probability == 50:
        return None, probability
    return (facts.b, probability) if probability > 50 else (facts.a, 100 - probability)


def _probability_of(term: TermFacts, margin: Margin) -> float:
    return margin.lead_probability if term.label == "termB" else 100 - margin.lead_probability


def _chance(probability: float) -> str:
    if probability >= ALMOST_CERTAIN:
        return "will almost certainly"
    return "will probably" if probability >= LIKELY else "has the better chance to"


def _duration(facts: Facts, margins: tuple[Margin, ...], ahead: list[Margin]) -> str:
    """When a term is more likely ahead: `ahead` are those dates of the horizon."""
    first = ahead[0].date
    if len(ahead) == 1:
        return f"{in_period(first, facts.step)} alone"
    if ahead == list(margins[-len(ahead) :]):
        return f"from {period(first, facts.step)} on"
    return f"in {len(ahead)} of the next {count(facts.horizon, facts.step)}, first {in_period(first, facts.step)}"
