"""Logs and what identifies a request. Metrics are declared beside what they count and served by prometheus_client."""

from __future__ import annotations

import logging
import random
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import structlog

from services.common.telemetry.log_writer import Lines

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KNOWN_FLAGS = 0b11  # sampled, random; a sender of version 00 sets no other
_SAMPLED_AT_RANDOM = 0b11


class Traceparent(NamedTuple):
    """Where one request stands in a trace, as W3C Trace Context names it."""

    trace_id: str  # 32 hex digits
    span_id: str  # 16 hex digits
    flags: int

    def __str__(self) -> str:
        """As the header carries it."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"


request_id: ContextVar[str] = ContextVar("request_id", default="")
traceparent: ContextVar[Traceparent | None] = ContextVar("traceparent", default=None)  # our own span in it


def new_request_id() -> str:
    """A random id; kept short enough for a log line."""
    return _random_hex(32)


def new_traceparent() -> Traceparent:
    """A trace that begins here. Sampled, since our log lines keep every one."""
    drawn = _random_hex(48)
    return Traceparent(drawn[:32], drawn[32:], _SAMPLED_AT_RANDOM)


def parse_traceparent(header: str) -> Traceparent | None:
    """What a caller sent, by W3C Trace Context; None where it is invalid."""
    found = _TRACEPARENT.fullmatch(header)
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == "00" and rest is not None:
        return None  # only a later version may carry more
    return Traceparent(trace_id, span_id, int(flags, 16) & _KNOWN_FLAGS)


def child_of(header: str) -> Traceparent:
    """A span of our own in the caller's trace; in a new one where the caller sent none, or none that is valid."""
    parent = parse_traceparent(header)
    return Traceparent(parent.trace_id, _random_hex(16), parent.flags) if parent else new_traceparent()


def begin_trace(header: str = "") -> Traceparent:
    """For the rest of this task: a span in the caller's trace, or in a new one, sent on and on every log line."""
    trace = child_of(header) if header else new_traceparent()
    traceparent.set(trace)
    return trace


def _random_hex(digits: int) -> str:
    # As random as UUIDs are, without asking the system each time.
    return random.randbytes(digits // 2).hex()  # noqa: S311 - nothing here is a secret


def configure_logging(service: str, *, log_format: str, level: str) -> None:
    """One line an event on standard output; JSON for machines, `console` for people. Idempotent."""
    # There is a line for each request, and as text from `json` it took a fifth of the time of an answer from memory.
    ours: structlog.typing.Processor = structlog.processors.JSONRenderer(serializer=as_json)
    theirs: structlog.typing.Processor = structlog.processors.JSONRenderer()
    out = Lines(sys.stdout.buffer)
    lines: Callable[..., structlog.typing.WrappedLogger] = lambda *_: out  # noqa: E731 - of two kinds
    if log_format == "console":
        ours = theirs = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0)
        lines = structlog.PrintLoggerFactory()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        identify,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, ours],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lines,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries log through the standard module; the same lines, the same place.
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=theirs, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def identify(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog's processor for what every line tells: when it was written, and of which request of which trace."""
    event["timestamp"] = timestamp()
    if identity := request_id.get():
        event.setdefault("request_id", identity)
    if trace := traceparent.get():
        event.setdefault("trace_id", trace.trace_id)
        event.setdefault("span_id", trace.span_id)
    return event


def timestamp() -> str:
    """Now, as every line has it."""
    now = time.time()
    second = int(now)
    return f"{_to_the_second(second)}.{int((now - second) * 1e6):06d}Z"


def as_json(event: object, default: Callable[[object], object] | None = None) -> bytes:
    """A line for machines; `default` writes what JSON has no form for."""
    return msgspec.json.encode(event, enc_hook=default)


@lru_cache(maxsize=2)
def _to_the_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
