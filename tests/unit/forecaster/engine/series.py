"""Series of the engine's tests: synthetic, or from installed packages and rescaled to 0–100."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from services.common.comparison import TIMEFRAMES, Step
from services.forecaster.engine.types import TermSeries

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
LENGTHS = {Step.HOURLY: timedelta(hours=1), Step.DAILY: timedelta(days=1), Step.WEEKLY: timedelta(weeks=1)}


def term_series(
    values: Iterable[float],
    timeframe: str = "12m",
    *,
    label: str = "termA",
    start: datetime = MONDAY,
    partial: bool = False,
    scaled_apart: bool = False,
    gaps_filled: bool = False,
) -> TermSeries:
    """A series without gaps from `start` on."""
    points = tuple(float(value) for value in values)
    return TermSeries(
        term="amazon" if label == "termA" else "costco",
        label=label,
        timeframe=timeframe,
        times=times_from(start, TIMEFRAMES[timeframe].step, len(points)),
        values=points,
        partial_last_period=partial,
        scaled_apart=scaled_apart,
        gaps_filled=gaps_filled,
    )


def times_from(start: datetime, step: Step, count: int) -> tuple[datetime, ...]:
    """Period starts, independent of the engine's calendar."""
    if step is Step.MONTHLY:
        months = range(start.month - 1, start.month - 1 + count)
        return tuple(start.replace(year=start.year + month // 12, month=month % 12 + 1) for month in months)
    return tuple(start + number * LENGTHS[step] for number in range(count))


def rescaled(values: Sequence[float]) -> list[float]:
    """To 0–100, lowest to highest, one decimal."""
    low, high = min(values), max(values)
    return [round(100 * (value - low) / (high - low), 1) for value in values]


def seasonal(count: int, period: int, *, level: float = 50, swing: float = 30) -> list[float]:
    """A sine without noise."""
    return [level + swing * math.sin(2 * math.pi * index / period) for index in range(count)]


def wandering(count: int, *, seed: int = 1) -> list[float]:
    """A bounded walk from a linear congruential generator: arbitrary, and the same everywhere."""
    state, value, values = seed, 50.0, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        value = min(95.0, max(5.0, value + 12 * (state / 2**31 - 0.5)))
        values.append(round(value, 2))
    return values
