"""The page of interpretations lists every rule with its evidence, and its examples are sentences that are given."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from services.forecaster.engine.bundle.confidence import LOW_CONFIDENCE
from services.forecaster.insights.interpretations import rules
from services.forecaster.insights.interpretations.facts import read_facts
from services.forecaster.insights.interpretations.finding import Finding
from services.forecaster.insights.interpretations.interpret import LEAST, MAX_CHARACTERS, MOST, findings
from services.forecaster.insights.interpretations.rules.direction import HIGH_CONFIDENCE
from services.forecaster.insights.interpretations.rules.winner import ALMOST_CERTAIN, LIKELY, OPEN
from tests.paths import CHECKOUT
from tests.unit.forecaster.insights import comparisons

PAGE = (CHECKOUT / "docs" / "reference" / "interpretations.md").read_text(encoding="utf-8")
SENTENCES, MEMBERS = PAGE.split("## Evidence")
ROW = re.compile(r"^\| `(\w+)` \| (.+) \| (`.+`) \|$", re.MULTILINE)
NAME = re.compile(r"`(\w+)`")


def test_it_lists_every_id_once() -> None:
    listed = [name for name, _, _ in ROW.findall(SENTENCES)]
    assert sorted(listed) == sorted({*_ids_in_code()})


def test_it_lists_the_evidence_of_every_id_and_an_example_that_is_given() -> None:
    found = _findings()
    for name, example, evidence in ROW.findall(SENTENCES):
        given = [finding for finding in found if finding.id == name]
        assert {tuple(finding.evidence) for finding in given} == {tuple(NAME.findall(evidence))}, name
        assert example in [finding.text for finding in given]


def test_it_explains_every_member_of_the_evidence() -> None:
    explained = {name for row in re.findall(r"^\| (`.+?) \| ", MEMBERS, re.MULTILINE) for name in NAME.findall(row)}
    assert explained == {member for finding in _findings() for member in _members(finding.evidence)}


def test_it_names_the_limits() -> None:
    text = " ".join(PAGE.split())
    assert f"{LEAST} to {MOST} sentences" in text
    assert f"{MAX_CHARACTERS:,} characters in all" in text
    assert f"below a probability of {OPEN:g} %. From {LIKELY:g} % on" in text
    assert f"from {ALMOST_CERTAIN:g} % on “almost certainly”" in text
    assert f"below a confidence of {LOW_CONFIDENCE:g} %, “very probably” from {HIGH_CONFIDENCE:g} % on" in text


def _findings() -> list[Finding]:
    made = [
        each
        for _, each in inspect.getmembers(comparisons, inspect.isfunction)
        if each.__module__ == comparisons.__name__
    ]
    return [finding for make in made for finding in findings(read_facts(*make()))]


def _members(evidence: object) -> Iterator[str]:
    if isinstance(evidence, dict):
        for name, value in evidence.items():
            yield name
            yield from _members(value)


def _ids_in_code() -> Iterator[str]:
    """The texts that a call of Finding has as its id; either of `a if … else b`."""
    for path in Path(rules.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Finding.__name__:
                yield from _texts(node.args[1])


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    else:  # a direction
        yield from ("rising", "falling", "stable")
