"""Linear scales, and ticks at round values."""

from __future__ import annotations

import math

_ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


class Scale:
    """Maps values between `low` and `high` to pixels between `start` and `end`."""

    __slots__ = ("_factor", "end", "high", "low", "start")

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        """Raises ValueError for a domain that does not ascend."""
        if not low < high:
            raise ValueError(f"a scale needs a domain that ascends, not {low} to {high}")
        self.low, self.high, self.start, self.end = low, high, start, end
        self._factor = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        """The pixel of a value; values outside the domain are drawn at its edge."""
        # Called for every point: comparisons are faster than min and max.
        if value <= self.low:
            return self.start
        if value >= self.high:
            return self.end
        return self.start + (value - self.low) * self._factor


def round_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 2.5 or 5 times a power of ten that divides `span` into at most `count` steps."""
    rough = span / count
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _ROUND_STEPS if step * power >= rough * (1 - 1e-9))


def round_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    """Multiples of a round step from `low` to `high`, about `count` steps."""
    step = round_step(high - low, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(step * index for index in range(first, last + 1))


def round_domain(low: float, high: float, count: int) -> tuple[float, float]:
    """The smallest domain around `low` and `high` that ends at round ticks."""
    step = round_step(high - low, count)
    return step * math.floor(low / step + 1e-9), step * math.ceil(high / step - 1e-9)
