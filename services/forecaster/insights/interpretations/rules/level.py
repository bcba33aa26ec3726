"""Who is ahead, and who was."""

from __future__ import annotations

from services.forecaster.insights.interpretations.facts import Facts, mean
from services.forecaster.insights.interpretations.finding import Finding, tenth
from services.forecaster.insights.interpretations.wording import in_period, in_points, numbers, period, points, share_of
from services.forecaster.insights.together.lead_changes import MAX_LEAD_CHANGES

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
        f"exports, each with a scale of its own (highest values {first} and {in_points(second)}).",
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
        f"{leader.name} is ahead of {other.name}: {in_points(first)} against {second} {when}.",
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


def past_leader(facts: Facts) -> Finding | None:
    """How often which term was ahead in the past."""
    if facts.scaled_apart or len(facts.a.values) < LEAST_HISTORY:
        return None
    ahead_a, ahead_b = facts.periods_ahead(facts.a), facts.periods_ahead(facts.b)
    if ahead_a == ahead_b:
        return None
    leader, ahead = (facts.a, ahead_a) if ahead_a > ahead_b else (facts.b, ahead_b)
    periods = len(leader.values)
    share = share_of(ahead, periods, facts.step)
    if 0 < min(ahead_a, ahead_b) < periods - ahead:
        share = f"{share} and {facts.other(leader).name} in {min(ahead_a, ahead_b)}"
    means = mean(leader.values), mean(facts.other(leader).values)
    averages = ""
    first, second = numbers(*means)
    if means[0] > means[1] and first != second:
        averages = f", with {in_points(first)} on average against {second}"
    return Finding(
        58,
        "pastLeader",
        None,
        f"Since {period(leader.dates[0], facts.step)}, {leader.name} has been ahead in {share}{averages}.",
        {
            "leader": leader.label,
            "aheadA": ahead_a,
            "aheadB": ahead_b,
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
    if not facts.periods_ahead(facts.other(leader)):
        return None
    last, known = changes[-1].date, len(changes)
    how_often = {1: "once", 2: "twice"}.get(known, f"{known} times")
    if known >= MAX_LEAD_CHANGES:
        how_often = f"at least {how_often}"
    return Finding(
        57,
        "leadChanges",
        None,
        f"The lead changed {how_often}{',' if known == 1 else ', last'} {in_period(last, facts.step)}, when "
        f"{leader.name} passed {facts.other(leader).name}.",
        {"changes": known, "lastDate": last, "leader": leader.label},
    )


def _levels(facts: Facts) -> dict[str, object]:
    value_a, value_b = tenth(facts.a.last), tenth(facts.b.last)
    return {"valueA": value_a, "valueB": value_b, "margin": tenth(value_b - value_a)}
