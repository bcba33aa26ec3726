"""The access log writes the lines that structlog would write."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog

from services.common.telemetry import logs
from services.gateway.http.access_log import AccessLog

SAID: dict[str, object] = {"method": "GET", "path": "/", "status": 200, "ms": 0.1, "bytes": 12, "client": "::1"}
Written = Callable[[], list[bytes]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_764_000_000.25)


@contextmanager
def logging_as(log_format: str, level: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """The lines that are written inside the block; restores the log configuration at its end."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", out)
    before, root = structlog.get_config(), logging.getLogger()
    handlers, severity = root.handlers[:], root.level
    logs.configure_logging("gateway", log_format=log_format, level=level)
    try:
        yield lambda: out.buffer.getvalue().splitlines()
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(severity)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/é/日本/🙂",
        '/"quoted"\\',
        "/\n\r\t\x00\x1b[31m\x7f",
        "/\u2028\u2029\ufeff",
        "/<script>&amp;'",
        "/" + "x" * 9_000,
    ],
)
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_a_line_equals_that_of_structlog(path: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = SAID | {"path": path, "api_key": path}
    with logging_as("json", "debug", monkeypatch) as written:
        getattr(structlog.get_logger(), level)("request", **said)
        AccessLog().write(level, dict(said))
        theirs, ours = written()
    assert ours == theirs
    assert json.loads(ours) == said | {
        "event": "request",
        "service": "gateway",
        "level": level,
        "timestamp": "2025-11-24T16:00:00.250000Z",
    }


def test_a_disabled_level_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with logging_as("json", "warning", monkeypatch) as written:
        log = AccessLog()
        for level in ("debug", "info", "warning", "error"):
            log.write(level, dict(SAID))
        assert [json.loads(line)["level"] for line in written()] == ["warning", "error"]


@pytest.mark.usefixtures("clock")
def test_the_console_format_is_written_by_structlog(monkeypatch: pytest.MonkeyPatch) -> None:
    with logging_as("console", "info", monkeypatch) as written:
        structlog.get_logger().info("request", **SAID)
        AccessLog().write("info", dict(SAID))
        AccessLog().write("debug", dict(SAID))
        theirs, ours = written()
    assert ours == theirs


def test_control_characters_of_a_path_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    with logging_as("console", "info", monkeypatch) as written:
        AccessLog().write("info", SAID | {"path": "/\x1b[2J\r\n2026 all is well"})
        [line] = written()
    assert b"\x1b[2J" not in line
    assert b"2026 all is well" in line
