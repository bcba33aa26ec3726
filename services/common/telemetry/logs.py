"""Logging: structlog, one line an event, with the ids of its request and trace."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import structlog

from services.common.telemetry.log_writer import LogWriter
from services.common.telemetry.trace_context import request_id, traceparent


def configure_logging(service: str, *, log_format: str, level: str) -> None:
    """Logs one line an event to standard output: as JSON, or as text with `console`. Idempotent."""
    # msgspec for our own events, because there is one a request (docs/decisions/log-writer.md).
    ours: structlog.typing.Processor = structlog.processors.JSONRenderer(serializer=as_json)
    theirs: structlog.typing.Processor = structlog.processors.JSONRenderer()
    writer = LogWriter(sys.stdout.buffer)
    factory: Callable[..., structlog.typing.WrappedLogger] = lambda *_: writer  # noqa: E731 - of two types
    if log_format == "console":
        ours = theirs = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0)
        factory = structlog.PrintLoggerFactory()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        identify,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, ours],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries log through the standard module; their lines get the same form and output.
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=theirs, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def identify(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that adds the time, the request id and the trace ids."""
    event["timestamp"] = timestamp()
    if identity := request_id.get():
        event.setdefault("request_id", identity)
    if trace := traceparent.get():
        event.setdefault("trace_id", trace.trace_id)
        event.setdefault("span_id", trace.span_id)
    return event


def timestamp() -> str:
    """The current time in UTC as ISO 8601 with microseconds."""
    now = time.time()
    second = int(now)
    return f"{_whole_seconds(second)}.{int((now - second) * 1e6):06d}Z"


def as_json(event: object, default: Callable[[object], object] | None = None) -> bytes:
    """An event as JSON; `default` converts values of other types."""
    return msgspec.json.encode(event, enc_hook=default)


@lru_cache(maxsize=2)
def _whole_seconds(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
