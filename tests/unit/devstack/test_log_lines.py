"""The services' JSON log lines as `make run` prints them."""

from __future__ import annotations

import json

import pytest

from devstack.log_lines import format_log_line

EVENT = {
    "event": "request",
    "service": "gateway",
    "level": "info",
    "timestamp": "2026-11-30T03:45:36.123456Z",
    "trace_id": "0" * 32,
    "span_id": "0" * 16,
}


def test_an_event_is_one_line_of_time_level_event_and_values() -> None:
    (line,) = format_log_line(
        json.dumps(EVENT | {"path": "/healthz", "status": 200, "replicas": ["a", "b"], "geo": None})
    )
    assert line == '03:45:36 info    request path=/healthz status=200 replicas=["a","b"] geo=null'


def test_a_traceback_follows_its_event_line_by_line() -> None:
    event = EVENT | {"level": "error", "event": "failed", "exception": "Traceback:\n  File\nValueError: x"}
    assert format_log_line(json.dumps(event)) == ["03:45:36 error   failed", "Traceback:", "  File", "ValueError: x"]


@pytest.mark.parametrize("line", ["", "a text", "{", "[1, 2]", '"text"', "{}", '{"level": "info"}'])
def test_a_line_that_is_not_an_event_is_unchanged(line: str) -> None:
    assert format_log_line(line) == [line]


def test_control_characters_of_a_path_do_not_reach_the_terminal() -> None:
    (line,) = format_log_line(json.dumps(EVENT | {"path": "/\x1b[31m\n\u2028é"}))
    assert line.isprintable()
    assert r"path=/\x1b[31m\n\u2028\xe9" in line
