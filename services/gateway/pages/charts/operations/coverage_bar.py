"""How many comparisons are fresh, stale and cold, as one bar."""

from __future__ import annotations

from services.gateway.pages.charts.drawing.svg import Markup, element

_WIDTH, _HEIGHT = 240.0, 14.0
# Heights differ, so that the parts do not differ by colour alone.
_PARTS = {"fresh": 14.0, "stale": 8.0, "cold": 3.0}


def coverage_bar(fresh: int, stale: int, cold: int) -> Markup:
    """Parts as wide as their share; named by `aria-label`, which needs no id. Without a comparison the bar is empty."""
    counts = {"fresh": fresh, "stale": stale, "cold": cold}
    total = sum(counts.values())
    left = 0.0
    parts: list[Markup] = []
    for name, count in counts.items():
        if not count:
            continue
        width, height = _WIDTH * count / total, _PARTS[name]
        parts.append(
            element("rect", class_=f"share {name}", x=left, y=(_HEIGHT - height) / 2, width=width, height=height)
        )
        left += width
    return element(
        "svg",
        *parts,
        class_="chart coverage",
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        preserveAspectRatio="none",
        role="img",
        aria_label=", ".join(f"{count:,} {name}" for name, count in counts.items()),
    )
