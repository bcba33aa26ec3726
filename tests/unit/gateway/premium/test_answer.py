from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from services.common.job_status import JobStatus
from services.gateway.premium.answer import Answer, as_stale, poll_interval, render
from services.gateway.premium.decision import Decision, Served
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
            },
        ),
    ]


def test_bundles_are_inserted_byte_for_byte() -> None:
    assert b'"termA":{"term":  "amazon"}' in render(answer(), debug=False)


@pytest.mark.parametrize("head_to_head", [b"", b"null"])
def test_terms_scaled_apart_have_no_head_to_head(head_to_head: bytes) -> None:
    shown = _shown(answer(served=replace(forecasts(), head_to_head=head_to_head)))
    assert shown["insightsPack"]["forecasts"]["headToHead"] is None


def test_without_bundles_forecasts_are_null_and_signals_present() -> None:
    shown = _shown(answer(QUEUED, queue_position=3))
    assert shown["insightsPack"]["forecasts"] == {"termA": None, "termB": None, "headToHead": None}
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
