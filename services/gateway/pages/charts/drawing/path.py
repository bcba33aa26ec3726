"""Path data with one decimal: absolute starts, then relative steps, which are shorter and compress better.

Positions are rounded to tenths before they are subtracted, so rounding errors do not add up along a path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

Position = tuple[float, float]


def line_path(positions: Iterable[Position | None]) -> str:
    """A line through the positions; None is a gap. A position between two gaps becomes a mark one unit wide."""
    return "".join(_run(run) for run in _runs(positions))


def area_path(upper: Sequence[Position], lower: Sequence[Position]) -> str:
    """The closed area between two lines, both from left to right."""
    if not upper or not lower:
        return ""
    return _run([*upper, *reversed(lower)]) + "z"


def _runs(positions: Iterable[Position | None]) -> Iterable[list[Position]]:
    run: list[Position] = []
    for position in positions:
        if position is not None:
            run.append(position)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _run(positions: Sequence[Position]) -> str:
    if len(positions) == 1:
        [(x, y)] = positions
        return f"M{_tenths(round(10 * x) - 5)} {_tenths(round(10 * y))}h1"
    steps: list[str] = []
    last_x, last_y = round(10 * positions[0][0]), round(10 * positions[0][1])
    start = f"M{_tenths(last_x)} {_tenths(last_y)}l"
    for x, y in positions[1:]:
        next_x, next_y = round(10 * x), round(10 * y)
        steps.append(_step(next_x - last_x, next_y - last_y))
        last_x, last_y = next_x, next_y
    return start + " ".join(steps).replace(" -", "-")


@lru_cache(maxsize=8192)
def _step(x: int, y: int) -> str:
    return f"{_tenths(x)} {_tenths(y)}"


@lru_cache(maxsize=8192)
def _tenths(tenths: int) -> str:
    whole, rest = divmod(abs(tenths), 10)
    digits = f"{whole or ''}.{rest}" if rest else str(whole)
    return f"-{digits}" if tenths < 0 else digits
