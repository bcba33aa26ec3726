"""How far a mean may differ from a level and still count as unchanged."""

from __future__ import annotations

CHANGE_POINTS = 2.0
CHANGE_SHARE = 0.05


def change_band(level: float) -> float:
    """Half-width of the band around `level` in points (0 to 100): the larger of 2 points and 5 % of the level."""
    return max(CHANGE_POINTS, CHANGE_SHARE * level)
