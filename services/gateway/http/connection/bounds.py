"""What one connection of the gateway may hold, how long it may take, and how many there may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

MOST_FIELDS = 200  # each header takes some 150 bytes of memory, however short it is
MOST_CHUNKS = 10_000  # each takes the loop a microsecond, however small it is
MOST_DROPPED_CHUNKS = 500  # once the request is answered, perhaps because it may not be made
MOST_PARSED_BYTES = 8 * 1024  # in one turn of the loop; at most so late bounds are checked, and others served
LEAST_PARSED_BYTES = 64  # that a piece counts for, since its call takes as long


@dataclass(frozen=True)
class Bounds:
    """What one connection may hold, how long it may take, and how many there may be."""

    head_bytes: int  # of a request line and headers; of trailers and chunk framing after the last piece of a body
    body_bytes: int  # that are read and dropped once the request is answered
    head_seconds: float
    body_seconds: float  # after the head
    write_seconds: float  # until all of what was written has been sent
    connections: int

    @cached_property
    def sweep_seconds(self) -> float:
        """The time between two looks at the deadlines: how late one may be noticed."""
        return min(0.5, self.head_seconds / 5, self.body_seconds / 5, self.write_seconds / 5)
