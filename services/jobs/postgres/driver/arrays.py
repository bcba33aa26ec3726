"""Conversion of whole arrays. psycopg converts element by element, ten times slower (see benchmarks/RESULTS.md)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

_HEAD = struct.Struct("!12xi4x")  # dimensions, null flag and type; length; lower bound
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def numbers(values: Iterable[float | None]) -> str:
    """An array literal of integers or floats, for a parameter with a cast; None is NULL."""
    return f"{{{','.join('NULL' if value is None else repr(value) for value in values)}}}"


def texts(values: Iterable[str]) -> str:
    """An array literal of texts."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def times(values: Iterable[datetime]) -> str:
    """An array literal of UTC-aware datetimes."""
    return "{" + ",".join(f'"{value.isoformat()}"' for value in values) + "}"


def unpack_floats(packed: bytes) -> tuple[float, ...]:
    """The values of a double precision[] without nulls, from array_send."""
    return _unpack("d", packed)


def unpack_times(packed: bytes) -> tuple[datetime, ...]:
    """The UTC-aware datetimes of a timestamptz[] without nulls, from array_send."""
    return tuple(_EPOCH + timedelta(microseconds=count) for count in _unpack("q", packed))


def _unpack(kind: str, packed: bytes) -> tuple[float, ...]:
    if len(packed) < _HEAD.size:
        return ()  # an empty array has no dimensions
    (length,) = _HEAD.unpack_from(packed)
    return struct.unpack_from("!" + f"4x{kind}" * length, packed, _HEAD.size)
