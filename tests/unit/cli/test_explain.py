"""The story of a comparison, from the services' messages."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from warmcast.client import WarmcastError, errors
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from services.cli.explain.contents import Story
from services.cli.explain.fetch import Fetched
from services.cli.explain.story import build_story
from services.cli.explain.text import lines
from tests.integration.gateway.data import (
    CANCELLED,
    FAILED,
    FRESH,
    HASH,
    MISSING,
    OLDER_HASH,
    QUEUED,
    READY,
    RUNNING,
    STALE,
    Freshness,
    Status,
    cached,
    job,
    moment,
    warmup,
)

AWAY = WarmcastError(errors.UNAVAILABLE, "no connection to the forecaster at 127.0.0.1:1")


def fetched(
    row: jobs_pb2.WarmupJob | None = None,
    current: Freshness = MISSING,
    previous: Freshness | None = None,
    *,
    defect: str = "",
    error: WarmcastError | None = None,
    **more: Any,
) -> Fetched:
    """The messages of one comparison."""
    states = [current] if previous is None else [current, previous]
    comparison = jobs_pb2.GetComparisonResponse(
        comparison=jobs_pb2.Comparison(points=104, first=moment("2024-01-07"), last=moment("2025-12-28")),
        source="google-trends-csv",
    )
    return Fetched(
        warmup=warmup(row, previous_data_hash=OLDER_HASH if previous else "", **more),
        comparison=comparison,
        forecasts=[] if error else [cached(state) for state in states],
        keys=[] if error else [inspected(state, defect) for state in states],
        error=error,
    )


def inspected(freshness: Freshness, defect: str = "") -> forecaster_pb2.InspectKeysResponse:
    """The keys of one snapshot: bundles by their freshness, one mark, one absent mark."""
    exists = freshness != MISSING or bool(defect)
    key = forecaster_pb2.InspectedKey(name="forecast:a", exists=exists, size_bytes=9_000)
    if exists:
        key.ttl_seconds = 600_000
    bundle = forecaster_pb2.InspectedBundle(
        key=key, intact=exists and not defect, defect=defect, lease_id=7, engine_version="9", has_insights=True
    )
    bundles = forecaster_pb2.InspectedBundles(
        engine_version="9", freshness=freshness, defect=defect, term_a=bundle, term_b=bundle
    )
    marks = [
        forecaster_pb2.InspectedMark(
            key=forecaster_pb2.InspectedKey(name="warmup-lock:a", exists=True, size_bytes=1), name="lock", text="7"
        ),
        forecaster_pb2.InspectedMark(key=forecaster_pb2.InspectedKey(name="warmup-error:a"), name="error"),
    ]
    return forecaster_pb2.InspectKeysResponse(bundles=[bundles], marks=marks, engine_version="9")


def text(story: Story) -> str:
    return "\n".join(lines(story))


@pytest.mark.parametrize(
    ("given", "answer", "because"),
    [
        (fetched(), ("queued", "nothing", False, "first-call"), "there is no job yet"),
        (fetched(job(QUEUED)), ("queued", "nothing", False, None), "its job is queued"),
        (
            fetched(job(QUEUED), overdue=True),
            ("queued", "nothing", False, "first-call"),
            "its job is queued, and is overdue",
        ),
        (
            fetched(job(QUEUED), deferred=True),
            ("queued", "nothing", False, "first-call"),
            "the next GET promotes its job",
        ),
        (fetched(job(RUNNING)), ("running", "nothing", False, None), "its job is running"),
        (fetched(job(CANCELLED)), ("queued", "nothing", False, "first-call"), "its job is cancelled"),
        (fetched(job(READY)), ("queued", "nothing", False, "cache-lost"), "its job is ready"),
        (fetched(job(FAILED)), ("failed", "nothing", False, "first-call"), "its job failed"),
        (
            fetched(job(FAILED), cooling_down=True, cooldown_seconds=299.6),
            ("failed", "nothing", False, None),
            "its job failed, and cools down for another 300 s",
        ),
        (
            fetched(job(QUEUED), MISSING, STALE),
            ("queued", "previous", True, None),
            "the snapshot before it has bundles",
        ),
        (
            fetched(job(QUEUED), MISSING, MISSING),
            ("queued", "nothing", False, None),
            "the snapshot before it has no usable pair either",
        ),
        (
            fetched(job(READY), FRESH),
            ("ready", "current", False, None),
            "the bundles of the current snapshot are fresh",
        ),
        (fetched(job(RUNNING), FRESH), ("ready", "current", False, None), "its job is running"),
        (fetched(job(RUNNING), STALE), ("ready", "current", True, None), "its job is running"),
        (fetched(job(READY), STALE), ("ready", "current", True, "refresh"), "the next GET enqueues a job (refresh)"),
    ],
)
def test_the_premium_answer_and_its_reason(given: Fetched, answer: tuple[object, ...], because: str) -> None:
    told = build_story(given).premium
    assert (told.warmup_status, told.serves, told.stale, told.enqueues) == answer
    assert because in told.because
    shown = text(build_story(given))
    assert f"- {because}" in shown
    assert f"\n  enqueues {told.enqueues or 'nothing'}\n" in shown


@pytest.mark.parametrize(
    ("given", "refreshing", "line"),
    [
        (fetched(job(READY), FRESH), False, "ready with the forecasts of the current snapshot"),
        (fetched(job(RUNNING), FRESH), True, "ready with the forecasts of the current snapshot, refreshing"),
        (fetched(job(RUNNING), STALE), True, "ready with the forecasts of the current snapshot, stale, refreshing"),
        (
            fetched(job(QUEUED), MISSING, STALE),
            True,
            "queued with the forecasts of the snapshot before, stale, refreshing",
        ),
        (fetched(job(QUEUED)), False, "queued without forecasts"),
    ],
)
def test_forecasts_that_are_refreshed_are_marked(given: Fetched, refreshing: bool, line: str) -> None:
    told = build_story(given)
    assert told.premium.refreshing is refreshing
    assert f"premium\n  {line}\n" in text(told)


def test_a_reason_names_the_defect_of_an_unused_bundle() -> None:
    told = build_story(fetched(job(READY), MISSING, defect="its checksum differs"))
    assert "the bundles of engine 9 are not used: its checksum differs" in told.premium.because
    assert "TTL 6 days, 22:40:00, 9,000 bytes, not intact: its checksum differs" in text(told)


def test_without_the_forecaster_the_rest_is_told() -> None:
    told = build_story(fetched(job(FAILED, last_error="flat"), error=AWAY))
    assert (told.premium.warmup_status, told.keys, told.interpretations) == (None, [], None)
    assert told.forecaster.error == AWAY.detail
    shown = text(told)
    for part in (f"failed: {AWAY.detail}", "depends on the memory of each gateway", "last error   flat", "104, 2024"):
        assert part in shown


@pytest.mark.parametrize(
    ("status", "field", "next_try"),
    [(QUEUED, "not_before", True), (FAILED, "cooldown_until", True), (READY, "not_before", False)],
)
def test_the_next_try_is_that_of_the_job_s_state(status: Status, field: str, next_try: bool) -> None:
    row = job(status)
    getattr(row, field).CopyFrom(moment("2026-01-01T10:05:00"))
    told = build_story(fetched(row))
    assert told.job
    assert told.job.next_try == ("2026-01-01T10:05:00Z" if next_try else None)
    assert ("next try     2026-01-01T10:05:00Z" in text(told)) == next_try


def test_control_characters_are_not_printed() -> None:
    shown = text(build_story(fetched(job(FAILED, last_error="line\nline \x1b[31m"))))
    assert "last error   line�line �[31m" in shown


def test_the_keys_of_both_snapshots_are_told() -> None:
    told = build_story(fetched(job(QUEUED), MISSING, STALE))
    assert [(keys.data_hash, keys.bundles[0].freshness) for keys in told.keys] == [
        (HASH, "missing"),
        (OLDER_HASH, "stale"),
    ]
    shown = text(told)
    assert "bundles of engine 9: stale" in shown
    assert "intact, lease 7, engine 9, generated 1970-01-01T00:00:00Z, with insights" in shown
    assert "warmup-lock:a\n    no TTL, 1 byte: 7" in shown
    assert "warmup-error:a\n    absent" in shown


def test_interpretations_are_those_of_the_served_bundles() -> None:
    assert build_story(fetched(job(QUEUED))).interpretations is None
    told = build_story(fetched(job(QUEUED), MISSING, STALE))
    assert told.interpretations
    assert [each["id"] for each in told.interpretations] == ["rule-0", "rule-1", "rule-2"]
    assert "1. A sentence. (rule-0)" in text(told)


@pytest.mark.parametrize("current", [MISSING, STALE, FRESH])
@pytest.mark.parametrize("previous", [None, MISSING, STALE, FRESH])
def test_the_json_and_the_text_are_complete_in_every_state(current: Freshness, previous: Freshness | None) -> None:
    for row in (None, *map(job, (QUEUED, RUNNING, READY, FAILED, CANCELLED))):
        story = build_story(fetched(row, current, previous))
        shown = json.loads(msgspec.json.encode(story))
        assert list(shown) == [
            "slug",
            "timeframe",
            "geo",
            "snapshot",
            "job",
            "attempts",
            "forecaster",
            "keys",
            "premium",
            "interpretations",
        ]
        assert "None" not in text(story)
