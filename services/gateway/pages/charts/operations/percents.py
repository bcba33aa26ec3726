"""The axis of shares in percent: it ends at 100, and begins as low as needed."""

from __future__ import annotations

from collections.abc import Iterable

_STEP, _LOWEST = 20.0, 60.0
_ROOM = 4.0  # below the lowest share


def axis_start(percents: Iterable[float]) -> float:
    """60, or a tick below the lowest share."""
    return max(0.0, min(_LOWEST, _STEP * ((min(percents, default=100.0) - _ROOM) // _STEP)))


def percent_ticks(start: float) -> tuple[float, ...]:
    """Every 20 percent."""
    return tuple(start + _STEP * index for index in range(int((100 - start) / _STEP) + 1))
