"""The parts of `insightsPack` that a caller may select with `fields`."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """A part, by its name in `fields`."""

    FORECASTS = "forecasts"  # termA and termB of `forecasts`
    HEAD_TO_HEAD = "headToHead"
    SIGNALS = "signals"
    INSIGHTS = "insights"
    INTERPRETATIONS = "interpretations"


Parts = frozenset[Part]
ALL_PARTS: Parts = frozenset(Part)
