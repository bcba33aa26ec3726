"""Hours that clocks repeat in autumn and skip in spring, in the zones of the tz database."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


def zones_repeating(hour: datetime) -> frozenset[str]:
    """The zones in which this local hour, whatever its own offset, occurs twice."""
    return frozenset(name for name in _zones() if _difference(hour, name) > timedelta(0))


def zones_skipping(hour: datetime) -> frozenset[str]:
    """The zones in which this local hour, whatever its own offset, does not occur."""
    return frozenset(name for name in _zones() if _difference(hour, name) < timedelta(0))


def _difference(hour: datetime, name: str) -> timedelta:
    local = hour.replace(tzinfo=ZoneInfo(name))
    offsets = [local.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)]
    return offsets[0] - offsets[1]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
