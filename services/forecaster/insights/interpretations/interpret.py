"""Chooses the sentences of a comparison."""

from __future__ import annotations

from collections.abc import Callable

from services.forecaster.engine.types import JsonObject
from services.forecaster.insights.interpretations.compared_term import ComparedTerm
from services.forecaster.insights.interpretations.facts import Facts, TermFacts, read_facts
from services.forecaster.insights.interpretations.finding import Finding
from services.forecaster.insights.interpretations.rules import (
    certainty,
    direction,
    events,
    level,
    relation,
    season,
    trend,
    winner,
)
from services.forecaster.insights.types import Interpretation, Together

LEAST = 3  # sentences
ENOUGH = 6  # minor findings are used only up to here
MOST = 8
MAX_CHARACTERS = 3_000  # of all texts
MINOR = 50  # importance below which a finding is minor …
TRIVIAL = 30  # … or trivial, and used only up to LEAST

PAIR_RULES: tuple[Callable[[Facts], Finding | None], ...] = (
    level.scaled_apart,
    level.current_leader,
    level.current_tie,
    winner.future_leader,
    winner.future_open,
    winner.crossover,
    winner.close_race,
    level.past_leader,
    level.lead_changes,
    direction.direction_of_both,
    direction.seasonal_direction_of_both,
    trend.year_over_year_of_both,
    season.season_of_both,
    season.season_unknown,
    events.event_of_both,
    events.level_shift_of_both,
    relation.lead_lag,
    relation.moves_together,
    relation.moves_apart,
    certainty.few_data,
    certainty.mostly_zero_of_both,
    certainty.accuracy,
    certainty.gaps_filled,
    certainty.partial_period,
)
TERM_RULES: tuple[Callable[[Facts, TermFacts], Finding | None], ...] = (
    direction.direction,
    direction.volatile,
    direction.seasonal_direction,
    trend.year_over_year,
    trend.long_trend,
    season.season,
    events.event,
    events.launch,
    events.level_shift,
    certainty.mostly_zero,
    certainty.constant,
    certainty.forecast_range,
)


def interpret(
    a: ComparedTerm, b: ComparedTerm, together: Together | None, head_to_head: JsonObject | None
) -> tuple[Interpretation, ...]:
    """3 to 8 sentences about two terms over the same periods, the most important first.

    `head_to_head` is the contract's; None for terms that are scaled apart.
    """
    found = findings(read_facts(a, b, together, head_to_head))
    return tuple(finding.interpretation for finding in _shorten(found))


def findings(facts: Facts) -> list[Finding]:
    """Everything that the rules find, the most important first; findings of equal importance in the rules' order."""
    of_both = [rule(facts) for rule in PAIR_RULES]
    of_each = [rule(facts, term) for rule in TERM_RULES for term in (facts.a, facts.b)]
    found = [finding for finding in (*of_both, *of_each) if finding is not None]
    return sorted(found, key=lambda finding: -finding.importance)


def _shorten(found: list[Finding]) -> list[Finding]:
    major = sum(finding.importance >= MINOR for finding in found)
    worth_saying = sum(finding.importance >= TRIVIAL for finding in found)
    kept = found[: max(LEAST, min(major, MOST), min(worth_saying, ENOUGH))]
    while len(kept) > LEAST and sum(len(finding.text) for finding in kept) > MAX_CHARACTERS:
        kept.pop()
    return kept
