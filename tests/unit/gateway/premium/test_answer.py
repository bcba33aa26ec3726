from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from services.common.job_status import JobStatus
from services.gateway.premium.answer import Answer, Forecasts, as_stale, poll_interval, render
from services.gateway.premium.decision import Decision, Served
from services.gateway.premium.parts import Part
from tests.unit.gateway.premium.samples import FAILED, QUEUED, READY, answer, forecasts

DEBUG_FIELDS = {"warmupDebugId", "lastWarmupError", "forecastCacheKeysUsed"}


def _shown(given: Answer, *, debug: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(render(given, debug=debug))
    return shown


def test_a_ready_answer_has_the_contracts_fields_in_the_contracts_order() -> None:
    shown = _shown(answer())
    signals = {"trend": "rising", "volatility": 2.5, "seasonality": 0.4, "lastValue": 61.0, "change4": -3.0}
    assert list(shown.items()) == [
        ("slug", "amazon-vs-costco"),
        ("terms", ["amazon", "costco"]),
        ("timeframe", "12m"),
        ("geo", ""),
        ("dataHash", "0" * 16),
        ("isPremium", True),
        ("warmupStatus", "ready"),
        ("forecastAvailable", True),
        ("needsWarmup", False),
        ("warmupTriggered", False),
        ("stale", False),
        ("refreshing", False),
        (
            "insightsPack",
            {
                "forecasts": {
                    "termA": {"term": "amazon"},
                    "termB": {"term": "costco"},
                    "headToHead": {"winnerProbability": 50},
                },
                "signals": {"termA": signals, "termB": signals},
                "insights": {
                    "termA": {"peaks": []},
                    "termB": {"season": None},
                    "together": {"correlation": None},
                },
                "interpretations": [{"id": "rule"}],
            },
        ),
    ]


def test_bundles_are_inserted_byte_for_byte() -> None:
    rendered = render(answer(), debug=False)
    assert b'"termA":{"term":  "amazon"}' in rendered
    assert b'"termA":{"peaks":  []}' in rendered


@pytest.mark.parametrize("head_to_head", [b"", b"null"])
def test_terms_scaled_apart_have_no_head_to_head(head_to_head: bytes) -> None:
    shown = _shown(answer(served=replace(forecasts(), head_to_head=head_to_head)))
    assert shown["insightsPack"]["forecasts"]["headToHead"] is None


@pytest.mark.parametrize("nothing", [b"", b"null"])
def test_bundles_without_insights_have_null_insights_and_interpretations(nothing: bytes) -> None:
    served = replace(forecasts(), insights_a=nothing, insights_b=nothing, together=nothing, interpretations=nothing)
    pack = _shown(answer(served=served))["insightsPack"]
    assert (pack["insights"], pack["interpretations"]) == (None, None)


@pytest.mark.parametrize(
    "served", [replace(forecasts(), insights_a=b"null"), replace(forecasts(), insights_b=b"null")], ids=["A", "B"]
)
def test_the_insights_of_one_term_alone_are_not_shown(served: Forecasts) -> None:
    assert _shown(answer(served=served))["insightsPack"]["insights"] is None


def test_terms_scaled_apart_have_insights_without_together() -> None:
    pack = _shown(answer(served=replace(forecasts(), together=b"null")))["insightsPack"]
    assert pack["insights"] == {"termA": {"peaks": []}, "termB": {"season": None}, "together": None}


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ({Part.FORECASTS}, ["forecasts.termA", "forecasts.termB"]),
        ({Part.HEAD_TO_HEAD}, ["forecasts.headToHead"]),
        ({Part.HEAD_TO_HEAD, Part.FORECASTS}, ["forecasts.termA", "forecasts.termB", "forecasts.headToHead"]),
        ({Part.SIGNALS}, ["signals.termA", "signals.termB"]),
        ({Part.INSIGHTS}, ["insights.termA", "insights.termB", "insights.together"]),
        ({Part.INTERPRETATIONS, Part.SIGNALS}, ["signals.termA", "signals.termB", "interpretations"]),
    ],
)
def test_only_the_selected_parts_are_present_and_all_other_fields_stay(parts: set[Part], names: list[str]) -> None:
    shown = json.loads(render(answer(), debug=True, parts=frozenset(parts)))
    members = [
        f"{name}.{member}" if isinstance(value, dict) else name
        for name, value in shown.pop("insightsPack").items()
        for member in (value if isinstance(value, dict) else [None])
    ]
    assert members == names
    complete = _shown(answer(), debug=True)
    del complete["insightsPack"]
    assert shown == complete


@pytest.mark.parametrize("part", Part)
def test_a_selected_part_is_null_without_bundles(part: Part) -> None:
    pack = json.loads(render(answer(QUEUED), debug=False, parts=frozenset({part})))["insightsPack"]
    complete = _shown(answer(QUEUED))["insightsPack"]
    assert len(pack) == 1
    for name, value in pack.items():
        assert value == (complete[name] if value is None else {key: complete[name][key] for key in value})


def test_without_bundles_forecasts_are_null_and_signals_present() -> None:
    shown = _shown(answer(QUEUED, queue_position=3))
    assert shown["insightsPack"]["forecasts"] == {"termA": None, "termB": None, "headToHead": None}
    assert (shown["insightsPack"]["insights"], shown["insightsPack"]["interpretations"]) == (None, None)
    assert shown["insightsPack"]["signals"]["termA"]["lastValue"] == 61.0
    assert (shown["forecastAvailable"], shown["needsWarmup"]) == (False, True)
    assert (shown["queuePosition"], shown["etaSeconds"]) == (3, None)


def test_a_settled_answer_has_no_queue_position() -> None:
    assert not {"queuePosition", "etaSeconds"} & _shown(answer(READY)).keys()
    assert not {"queuePosition", "etaSeconds"} & _shown(answer(FAILED)).keys()


def test_bundles_of_an_older_snapshot_are_named() -> None:
    previous = Decision(JobStatus.QUEUED, Served.PREVIOUS, stale=True, refreshing=True, enqueue=None)
    assert _shown(answer(previous, served=forecasts("f" * 16)))["forecastsDataHash"] == "f" * 16
    assert "forecastsDataHash" not in _shown(answer())


def test_debug_fields_are_present_only_with_debug() -> None:
    assert not DEBUG_FIELDS & _shown(answer()).keys()
    shown = _shown(answer(), debug=True)
    assert {name: shown[name] for name in DEBUG_FIELDS} == {
        "warmupDebugId": "debug-1",
        "lastWarmupError": None,
        "forecastCacheKeysUsed": {"termAKey": "key-a", "termBKey": "key-b"},
    }


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (answer(READY), None),
        (answer(QUEUED), 2.0),
        (answer(QUEUED, eta_seconds=7.5), 7.5),
        (answer(QUEUED, eta_seconds=0.2), 1.0),
        (answer(QUEUED, eta_seconds=900), 60.0),
        (answer(FAILED, cooldown_seconds=299.5), 299.5),
        (answer(FAILED), None),
    ],
)
def test_the_poll_interval(given: Answer, seconds: float | None) -> None:
    assert poll_interval(given) == seconds


def test_a_stale_copy_has_no_job_state() -> None:
    refreshing = replace(READY, refreshing=True)
    shown = _shown(as_stale(replace(answer(refreshing), triggered=True)))
    assert shown["stale"]
    assert not shown["refreshing"]
    assert not shown["warmupTriggered"]
    assert shown["insightsPack"]["forecasts"]["termA"] == {"term": "amazon"}
