"""Every number of a sentence follows from its evidence."""

from __future__ import annotations

import inspect
import re

import pytest

from services.forecaster.engine.types import JsonObject
from services.forecaster.insights.interpretations.facts import read_facts
from services.forecaster.insights.interpretations.interpret import findings
from services.forecaster.insights.interpretations.wording import quoted
from services.forecaster.insights.term.season.places import MONTHS
from tests.unit.forecaster.insights import comparisons
from tests.unit.forecaster.insights.comparisons import Compared
from tests.unit.forecaster.insights.random_comparisons import random_comparison

COMPARISONS = 200
# What is said with a number in every such sentence.
FIXED = re.compile(
    r"of 100 simulated futures|more than 99|fewer than 1 |95 % interval|a probability of 80 %|below 1 point"
)
DATE = re.compile(rf"(\d\d:\d\d UTC on )?(\d{{1,2}} )?({'|'.join(MONTHS)}) \d{{4}}")
HOUR = re.compile(r"\d\d:00 UTC")
NUMBER = re.compile(r"−?\d+(?:\.\d+)?")


def made_up() -> list[Compared]:
    made = inspect.getmembers(comparisons, inspect.isfunction)
    return [each() for _, each in made if each.__module__ == comparisons.__name__]


@pytest.mark.parametrize("compared", [*made_up(), *map(random_comparison, range(COMPARISONS))])
def test_every_number_is_in_the_evidence(compared: Compared) -> None:
    for found in findings(read_facts(*compared)):
        text = found.text
        for term in compared[:2]:
            text = text.replace(quoted(term.series.term), "")
        for fixed in (DATE, HOUR, FIXED):
            text = fixed.sub("", text)
        for number in NUMBER.findall(text):
            assert _holds(found.evidence, float(number.replace("−", "-"))), (number, found.text, found.evidence)


def test_a_number_that_is_not_in_the_evidence_is_noticed() -> None:
    assert _holds({"value": 12.4, "change": -2.0}, 12.0)
    assert _holds({"value": 12.4, "change": -2.0}, 14.4)
    assert not _holds({"value": 12.4, "steps": 13}, 11.0)


def _holds(evidence: JsonObject, number: float) -> bool:
    """Whether a number of the evidence is `number`, rounded or not; a year before, it is the value minus the change."""
    numbers = [abs(each) for each in _numbers(evidence)]
    for name, value in evidence.items():
        change = evidence.get(name.replace("value", "change"))
        if name.startswith("value") and isinstance(value, float) and isinstance(change, float):
            numbers.append(abs(value - change))
    allowed = 0.61 if number.is_integer() else 0.11  # both are rounded
    return any(abs(abs(number) - each) <= allowed for each in numbers)


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []
