"""Pages that are kept are bounded by their size."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock, patch

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from markupsafe import Markup
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import ComparisonKey
from services.gateway.pages.comparison.bodies import Bodies, Body
from services.gateway.pages.comparison.facts import Facts
from tests.unit.gateway.premium.samples import answer

LAST_WEEK = Timestamp(seconds=1_700_000_000)


def facts_of(slug: str) -> Facts:
    """Facts of which nothing is rendered."""
    unused: Any = Mock()
    series = jobs_pb2.GetComparisonResponse(
        comparison=jobs_pb2.Comparison(timeframe="5y"), points=[jobs_pb2.ComparisonPoint(time=LAST_WEEK)]
    )
    return Facts(ComparisonKey(slug, "5y", ""), answer(), series=series, trust=unused)


def test_the_page_that_was_shown_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Body, "live", Markup("x" * 100_000))
    size = len(Body(facts_of("a-vs-b"), Mock(), may_write=False, data_ended=False))
    assert size > 300_000, "the page, the fragment and their compressed forms"
    bodies = Bodies(Mock(), max_bytes=2 * size)
    a, b, c = (facts_of(slug) for slug in ("a-vs-b", "a-vs-c", "a-vs-d"))
    kept_a, kept_b = (bodies.get(facts, may_write=False) for facts in (a, b))
    assert bodies.get(a, may_write=False) is kept_a
    bodies.get(c, may_write=False)
    assert bodies.get(a, may_write=False) is kept_a
    assert bodies.get(b, may_write=False) is not kept_b


def test_readers_of_other_rights_and_newer_facts_have_pages_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Body, "live", Markup("x"))
    bodies, facts = Bodies(Mock()), facts_of("a-vs-b")
    kept = bodies.get(facts, may_write=False)
    assert bodies.get(facts, may_write=True) is not kept
    assert bodies.get(facts, may_write=False) is kept
    assert bodies.get(facts_of("a-vs-b"), may_write=False) is not kept


def test_a_page_is_rendered_again_once_its_data_ended_too_long_ago_to_call_their_end_now() -> None:
    clock = Mock(return_value=LAST_WEEK.seconds + 5 * 7 * 86_400)
    bodies, facts = Bodies(Mock(), clock=clock), facts_of("a-vs-b")
    with patch.object(Body, "live", Markup("x")):
        kept = bodies.get(facts, may_write=False)
        assert bodies.get(facts, may_write=False) is kept
        clock.return_value += 1
        assert bodies.get(facts, may_write=False) is not kept
