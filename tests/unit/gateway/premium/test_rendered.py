"""Renderings of one answer: each selection once, and at most four at a time."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from services.gateway.premium.answer import Answer, render
from services.gateway.premium.parts import ALL_PARTS, Part, Parts
from services.gateway.premium.rendered import Rendered, Renderer
from tests.unit.gateway.premium.samples import answer

SELECTIONS = [frozenset(pair) for pair in itertools.combinations(Part, 2)]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Parts]:
    """The selections that were rendered, in order."""
    selections: list[Parts] = []

    def recorded(given: Answer, *, debug: bool, parts: Parts) -> bytes:
        selections.append(parts)
        return render(given, debug=debug, parts=parts)

    monkeypatch.setattr("services.gateway.premium.rendered.render", recorded)
    return selections


def prepared() -> Rendered:
    return Renderer(debug=False, private=False)(answer())


def body(given: Rendered, parts: Parts) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(bytes(given.respond([], parts).body))
    return shown


def test_nothing_is_rendered_before_its_first_use(made: list[Parts]) -> None:
    one = prepared()
    assert made == []
    one.respond([], SELECTIONS[0])
    assert made == [SELECTIONS[0]]


def test_a_selection_is_rendered_once_in_any_order_of_its_names(made: list[Parts]) -> None:
    one = prepared()
    for names in itertools.permutations(("signals", "headToHead")):
        assert list(body(one, frozenset(map(Part, names)))["insightsPack"]) == ["forecasts", "signals"]
    assert len(made) == 1


def test_at_most_three_selections_are_kept_beside_the_default_one(made: list[Parts]) -> None:
    one = prepared()
    for parts in (ALL_PARTS, *SELECTIONS[:3]):
        one.respond([], parts)
    one.respond([], SELECTIONS[0])  # the second is now the least recently used
    one.respond([], SELECTIONS[3])
    made.clear()
    for parts in (ALL_PARTS, SELECTIONS[0], SELECTIONS[2], SELECTIONS[3]):
        one.respond([], parts)
    assert made == []
    one.respond([], SELECTIONS[1])
    assert made == [SELECTIONS[1]]


def test_each_selection_has_an_etag_of_its_own() -> None:
    one = prepared()
    tags = {dict(one.respond([], parts).raw_headers)[b"etag"] for parts in (ALL_PARTS, *SELECTIONS)}
    assert len(tags) == 1 + len(SELECTIONS)


@pytest.mark.parametrize("parts", [ALL_PARTS, SELECTIONS[0]])
def test_a_selection_is_not_sent_again_to_a_client_that_has_it(parts: Parts) -> None:
    one = prepared()
    tag = dict(one.respond([], parts).raw_headers)[b"etag"]
    assert one.respond([(b"if-none-match", tag)], parts).status_code == 304
    assert one.respond([(b"if-none-match", tag)], SELECTIONS[-1]).status_code == 200
