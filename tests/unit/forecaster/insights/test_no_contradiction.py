"""Sentences of random comparisons are true and do not contradict each other."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from services.forecaster.insights.interpretations.compared_term import ComparedTerm
from services.forecaster.insights.interpretations.facts import read_facts
from services.forecaster.insights.interpretations.interpret import LEAST, MAX_CHARACTERS, MOST, findings, interpret
from services.forecaster.insights.types import Interpretation
from tests.unit.forecaster.insights.comparisons import Compared
from tests.unit.forecaster.insights.random_comparisons import random_comparison

COMPARISONS = 1000
BATCH = 250
# At most one of each is true of a comparison …
OF_BOTH = (
    {"scaledApart", "currentLeader", "currentTie"},
    {"scaledApart", "futureLeader", "futureOpen"},
    {"scaledApart", "crossover", "closeRace"},
    {"scaledApart", "pastLeader"},
    {"scaledApart", "leadChanges"},
    {"currentTie", "leadChanges"},
    {"currentTie", "crossover"},
    {"sharedSeason", "differentSeasons", "season"},
    {"sharedSeason", "seasonUnknown"},
    {"sharedEvent", "event"},
    {"sharedEvent", "recurringEvent"},
    {"moveTogether", "moveOpposite", "moveApart"},
    {"leadLag", "moveApart"},
    {"sameLevelShift", "levelShift"},
    {"bothYearOverYear", "yearOverYear"},
    {"bothMostlyZero", "mostlyZero"},
    {"sameDirection", "rising"},
    {"sameDirection", "falling"},
    {"sameDirection", "stable"},
    {"sameDirection", "volatile"},
    {"sameSeasonalDirection", "seasonalDirection"},
)
# … or of a term.
OF_A_TERM = (
    {"rising", "falling", "stable", "volatile"},
    {"event", "recurringEvent"},
    {"launch", "levelShift"},
    {"mostlyZero", "constant"},
    {"constant", "levelShift", "launch"},
    {"constant", "event"},
    {"seasonalDirection", "stable"},
    {"seasonalDirection", "volatile"},
)


@pytest.mark.parametrize("first", range(0, COMPARISONS, BATCH))
def test_sentences_are_true_and_do_not_contradict_each_other(first: int) -> None:
    for seed in range(first, first + BATCH):
        compared = random_comparison(seed)
        said = interpret(*compared)
        assert interpret(*compared) == said
        assert LEAST <= len(said) <= MOST
        assert sum(len(each.text) for each in said) <= MAX_CHARACTERS
        # Also what is left out for being less important must be true.
        found = tuple(each.interpretation for each in findings(read_facts(*compared)))
        assert set(_keys(said)) <= set(_keys(found))
        for each in found:
            _check_sentence(each, compared)
            if each.id == "futureLeader":
                _check_who_stays_ahead(each, compared)
        _check_together(found)
        _check_claims({each.id: each.evidence for each in found if each.term is None}, compared)
        for term in compared[:2]:
            own = {each.id: each.evidence for each in found if each.term == term.series.label}
            _check_claims_about(term, own)


def test_a_contradiction_is_noticed() -> None:
    leader = Interpretation("currentLeader", None, "", {})
    with pytest.raises(AssertionError):
        _check_together((leader, Interpretation("currentTie", None, "", {})))
    with pytest.raises(AssertionError):
        _check_together((leader, leader))
    rising = Interpretation("rising", "termA", "", {})
    with pytest.raises(AssertionError):
        _check_together((rising, Interpretation("falling", "termA", "", {})))


def _check_sentence(each: Interpretation, compared: Compared) -> None:
    text = each.text
    for term in compared[:2]:
        text = text.replace(term.series.term, "")
    assert re.search(r"\d", text), "a sentence without a number"
    assert text.endswith(".")
    assert not re.search(
        r"nan|inf\b|None|  | [,.;:]|(?<![\d.])1 (points|weeks|days|hours|months)\b|-\d|−0\b[^.]", text
    ), text
    json.dumps(each.evidence, allow_nan=False)
    assert any(isinstance(value, int | float) for value in _leaves(each.evidence))


def _check_who_stays_ahead(each: Interpretation, compared: Compared) -> None:
    last_a, last_b = (_complete(term)[-1] for term in compared[:2])
    leads_now = (last_b > last_a) if each.evidence["leader"] == "termB" else (last_a > last_b)
    assert compared[3] is not None
    crosses = compared[3]["crossoverDate"] is not None
    assert (" stay ahead" in each.text) == (leads_now and round(last_a, 1) != round(last_b, 1) and not crosses)


def _check_together(found: Sequence[Interpretation]) -> None:
    assert max(Counter(_keys(found)).values()) == 1
    said = {each.id for each in found}
    if "fewData" in said:
        assert not any("very probably" in each.text for each in found)
    for exclusive in OF_BOTH:
        assert len(said & exclusive) <= 1
    for label in ("termA", "termB"):
        own = {each.id for each in found if each.term == label}
        for exclusive in OF_A_TERM:
            assert len(own & exclusive) <= 1


def _check_claims(said: dict[str, dict[str, Any]], compared: Compared) -> None:
    """Leaders, as the numbers have them."""
    a, b, together, numbers = compared
    last_a, last_b = (_complete(term)[-1] for term in (a, b))
    leads_now = "termB" if last_b > last_a else "termA"
    if "currentLeader" in said:
        assert said["currentLeader"]["leader"] == leads_now
    if "leadChanges" in said:
        assert together is not None
        assert said["leadChanges"]["leader"] == together.lead_changes[-1].leader == leads_now
    if "crossover" in said:
        assert said["crossover"]["leader"] != leads_now
    if "closeRace" in said:
        assert said["closeRace"]["behind"] != leads_now
        assert said["futureLeader"]["leader"] == leads_now
    if "futureLeader" in said:
        assert numbers is not None
        probability: Any = numbers["winnerProbability"]
        assert said["futureLeader"]["leader"] == ("termB" if probability > 50 else "termA")
    if "pastLeader" in said:
        past = said["pastLeader"]
        margins = [round(there, 1) - round(here, 1) for here, there in zip(_complete(a), _complete(b), strict=True)]
        assert past["aheadA"] == sum(margin < 0 for margin in margins)
        assert past["aheadB"] == sum(margin > 0 for margin in margins)
        assert past["leader"] == ("termB" if past["aheadB"] > past["aheadA"] else "termA")
        assert len(margins) not in (past["aheadA"], past["aheadB"]) or "leadChanges" not in said
    if "sameDirection" in said:
        assert {a.bundle["direction"], b.bundle["direction"]} == {said["sameDirection"]["direction"]}


def _check_claims_about(term: ComparedTerm, own: dict[str, dict[str, Any]]) -> None:
    for direction in {"rising", "falling", "stable", "volatile"} & own.keys():
        assert term.bundle["direction"] == direction
    if "seasonalDirection" in own:
        assert own["seasonalDirection"]["direction"] == term.bundle["direction"]
    for direction, sign in (("rising", 1), ("falling", -1)):
        if direction in own:
            assert sign * (own[direction]["forecast"] - own[direction]["recent"]) > 0


def _keys(found: Sequence[Interpretation]) -> list[tuple[str, str | None]]:
    return [(each.id, each.term) for each in found]


def _complete(term: ComparedTerm) -> tuple[float, ...]:
    series = term.series
    return series.values[: len(series.values) - series.partial_last_period]


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    return [value]
