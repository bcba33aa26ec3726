"""Limits of a connection: sizes, times, and how many there may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

MAX_HEADERS = 200  # headers; each takes about 150 bytes of memory, however short
MAX_CHUNKS = 10_000  # of a body; each takes about 1 µs, however small
MAX_DROPPED_CHUNKS = 500  # of a body that continues after the response
MAX_PARSED_BYTES = 8 * 1024  # in one turn of the event loop, so that other connections are served
MIN_PARSED_BYTES = 64  # a smaller piece counts as this many, because parsing it costs as much


@dataclass(frozen=True)
class Bounds:
    """Configured limits of a connection."""

    head_bytes: int  # of request line and headers, also of trailers and chunk framing
    body_bytes: int  # read and dropped after the response
    head_seconds: float
    body_seconds: float  # after the head
    write_seconds: float  # until everything written is sent
    connections: int

    @cached_property
    def sweep_seconds(self) -> float:
        """Interval of the deadline check, and so how late a deadline may be enforced."""
        return min(0.5, self.head_seconds / 5, self.body_seconds / 5, self.write_seconds / 5)
