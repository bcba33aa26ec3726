"""The first sentences of a comparison."""

from __future__ import annotations

import json

import msgspec
import pytest

from services.gateway.bodies.forecasts import ForecastBundle, HeadToHead
from services.gateway.pages.comparison import verdict
from services.gateway.pages.words import Named
from tests.integration.gateway.data import bundle

TEA, COFFEE = Named("tea", "a"), Named("coffee", "b")
NAMES = (TEA, COFFEE)


def head_to_head(probability: float, margin: float = 0.0, risk: str = "low") -> HeadToHead:
    return HeadToHead(probability, margin, risk, 0.0, None)


@pytest.mark.parametrize(
    ("values", "leader", "figures"),
    [
        ((55, 62), COFFEE, ("62", "55")),
        ((62, 55), TEA, ("62", "55")),
        ((0.4, 0), TEA, ("<1", "0")),
        ((55.2, 54.9), None, ("55", "55")),
        ((0, 0), None, ("0", "0")),
    ],
)
def test_who_is_ahead_now(values: tuple[float, float], leader: Named | None, figures: tuple[str, str]) -> None:
    now = verdict.now(NAMES, values)
    assert now.leader == leader
    assert (now.ahead, now.behind) == figures


@pytest.mark.parametrize(
    ("probability", "leader", "share"),
    [
        (78.4, COFFEE, "78"),
        (50.6, COFFEE, "51"),
        (50.4, None, "50"),
        (49.6, None, "50"),
        (99.4, COFFEE, "99"),
        (21.6, TEA, "78"),
        (99.6, COFFEE, "more than 99"),
        (0.0, TEA, "more than 99"),
    ],
)
def test_who_will_lead_is_never_certain(probability: float, leader: Named | None, share: str) -> None:
    future = verdict.future(NAMES, head_to_head(probability), "5y", verdict.Now(TEA, "1", "0"))
    assert future.leader == leader
    assert future.share == share


def test_the_margin_is_that_of_the_term_that_gains_it() -> None:
    now = verdict.Now(COFFEE, "62", "55")
    future = verdict.future(NAMES, head_to_head(30, -4.26, "high"), "12m", now)
    assert (future.margin, future.margin_leader, future.same_leader) == ("4.3", TEA, False)
    assert (future.horizon, future.risk) == ("13 weeks", "High")
    assert future.risk_meaning == "in more than 35 of 100 futures"
    assert verdict.future(NAMES, head_to_head(51, 0.04), "12m", now).margin_leader is None


@pytest.mark.parametrize(("short", "certainty"), [(False, "very probably"), (True, "perhaps")])
def test_a_direction_of_a_short_series_is_uncertain_at_any_confidence(short: bool, certainty: str) -> None:
    row = json.loads(bundle("tea", "termA"))
    row["qualityFlags"]["seriesTooShort"] = short
    found = verdict.direction(TEA, msgspec.convert(row, ForecastBundle))
    assert (found.verb, found.certainty, found.percent) == ("rises", certainty, "71")
