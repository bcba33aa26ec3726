"""The id of a request, and its W3C trace context."""

from __future__ import annotations

import random
import re
from contextvars import ContextVar
from typing import NamedTuple

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KNOWN_FLAGS = 0b11  # sampled, random; a sender of version 00 sets no other
_SAMPLED_AT_RANDOM = 0b11


class Traceparent(NamedTuple):
    """One span of a trace, as W3C Trace Context names it."""

    trace_id: str  # 32 hex digits
    span_id: str  # 16 hex digits
    flags: int

    def __str__(self) -> str:
        """The value of the `traceparent` header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"


request_id: ContextVar[str] = ContextVar("request_id", default="")
traceparent: ContextVar[Traceparent | None] = ContextVar("traceparent", default=None)  # this process's span


def new_request_id() -> str:
    """A random id of 32 hex digits."""
    return _random_hex(32)


def new_traceparent() -> Traceparent:
    """A new trace. Sampled, since every log line keeps its ids."""
    digits = _random_hex(48)
    return Traceparent(digits[:32], digits[32:], _SAMPLED_AT_RANDOM)


def parse_traceparent(header: str) -> Traceparent | None:
    """A caller's `traceparent` header; None where it is invalid."""
    match = _TRACEPARENT.fullmatch(header)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "00" and rest is not None:
        return None  # only later versions may have more fields
    return Traceparent(trace_id, span_id, int(flags, 16) & _KNOWN_FLAGS)


def child_of(header: str) -> Traceparent:
    """A new span in the caller's trace, or in a new trace where the header is missing or invalid."""
    parent = parse_traceparent(header)
    return Traceparent(parent.trace_id, _random_hex(16), parent.flags) if parent else new_traceparent()


def begin_trace(header: str = "") -> Traceparent:
    """Sets `traceparent` for the rest of this task: a span in the caller's trace, or in a new one."""
    trace = child_of(header) if header else new_traceparent()
    traceparent.set(trace)
    return trace


def begin_trace_with(trace_id: str) -> None:
    """Sets `traceparent` for the rest of this task: the first span of the trace with this id of 32 hex digits."""
    traceparent.set(Traceparent(trace_id, _random_hex(16), _SAMPLED_AT_RANDOM))


def _random_hex(count: int) -> str:
    # As random as a UUID, without a system call.
    return random.randbytes(count // 2).hex()  # noqa: S311 - no secret
