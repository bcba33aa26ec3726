"""Sizes of charts that are as wide as the page. The style sheet shows the one that fits."""

from __future__ import annotations

from enum import StrEnum


class Size(StrEnum):
    """Named as the class of the element around the chart."""

    NARROW = "narrow"
    MEDIUM = "medium"
    WIDE = "wide"


WIDTHS = {Size.NARROW: 340.0, Size.MEDIUM: 640.0, Size.WIDE: 1_100.0}  # pixels
