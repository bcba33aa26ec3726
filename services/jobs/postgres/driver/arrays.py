"""PostgreSQL's arrays, written and read at once: psycopg goes through them element by element in Python.

Writing the 156 numbers and 26 times of two forecasts took 10 times as long that way (see benchmarks/RESULTS.md).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

_HEAD = struct.Struct("!12xi4x")  # dimensions, whether any is null and the type come first, the lower bound last
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def numbers(values: Iterable[float]) -> str:
    """Integers or floats, as a literal for a parameter that the statement casts."""
    return f"{{{','.join(map(repr, values))}}}"


def texts(values: Iterable[str]) -> str:
    """Texts, whatever they hold, as such a literal."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def times(values: Iterable[datetime]) -> str:
    """Moments, UTC-aware, as such a literal."""
    return "{" + ",".join(f'"{value.isoformat()}"' for value in values) + "}"


def unpack_floats(packed: bytes) -> tuple[float, ...]:
    """What array_send makes of a double precision[] without nulls."""
    return _unpack("d", packed)


def unpack_times(packed: bytes) -> tuple[datetime, ...]:
    """What array_send makes of a timestamptz[] without nulls; UTC-aware."""
    return tuple(_EPOCH + timedelta(microseconds=count) for count in _unpack("q", packed))


def _unpack(kind: str, packed: bytes) -> tuple[float, ...]:
    if len(packed) < _HEAD.size:
        return ()  # an empty array has no dimension, and no length
    (length,) = _HEAD.unpack_from(packed)
    return struct.unpack_from("!" + f"4x{kind}" * length, packed, _HEAD.size)
