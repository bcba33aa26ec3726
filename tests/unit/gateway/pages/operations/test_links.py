"""Links from a job to its logs and traces."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.gateway.pages.operations.job.links import Attempted, LogLinks
from services.gateway.url_template import PLACEHOLDERS, UrlTemplate

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_an_attempt_has_a_value_for_each_placeholder(name: str) -> None:
    links = LogLinks(UrlTemplate.parse(f"https://logs.example/{{{name}}}"), None)
    attempt = Attempted(7, "a-vs-b", "debug", "trace", START, START)
    assert links.logs_of(attempt).removeprefix("https://logs.example/")
    assert not links.trace_of(attempt)
