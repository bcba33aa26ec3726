"""Local hours that clock changes repeat or skip, by zones of the tz database."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


def zones_repeating(hour: datetime) -> frozenset[str]:
    """The zones in which this local hour occurs twice. Its own offset is ignored."""
    return frozenset(name for name in _zones() if _offset_difference(hour, name) > timedelta(0))


def zones_skipping(hour: datetime) -> frozenset[str]:
    """The zones in which this local hour does not occur. Its own offset is ignored."""
    return frozenset(name for name in _zones() if _offset_difference(hour, name) < timedelta(0))


def _offset_difference(hour: datetime, name: str) -> timedelta:
    local = hour.replace(tzinfo=ZoneInfo(name))
    offsets = [local.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)]
    return offsets[0] - offsets[1]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
