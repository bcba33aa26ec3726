"""A probability as 20 dots, one for each of 20 simulated futures."""

from __future__ import annotations

from services.gateway.pages.charts.drawing.svg import Markup, element
from services.gateway.pages.charts.drawing.typeface import isolated
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.words import HALF, futures_words

DOTS = 20
_RADIUS, _STEP, _ROW = 8.0, 20.0, 22.0


def dots_of_b(winner_probability: float) -> int:
    """How many dots stand for futures in which B leads, for a probability of 0 to 100.

    All or none only where the probability itself rounds to 100 or 0, so that a likely future is not shown as certain.
    """
    if round(winner_probability) in (0, 100):
        return DOTS if winner_probability > 50 else 0
    return min(max(round(winner_probability * DOTS / 100), 1), DOTS - 1)


def probability_dots(name_a: str, name_b: str, winner_probability: float, *, rows: int = 1) -> Markup:
    """The dots of the likelier leader first, in `rows` rows of equal length. `winner_probability` is that of B."""
    b_dots = dots_of_b(winner_probability)
    first, second = (Role.B, Role.A) if winner_probability >= 50 else (Role.A, Role.B)
    leading = max(b_dots, DOTS - b_dots)
    columns = DOTS // rows
    dots = [
        element(
            "circle",
            class_=first if index < leading else second,
            cx=_STEP / 2 + index % columns * _STEP,
            cy=_ROW / 2 + index // columns * _ROW,
            r=_RADIUS,
        )
        for index in range(DOTS)
    ]
    even = futures_words(winner_probability) == HALF
    leader = "each term" if even else isolated(name_b if first is Role.B else name_a)
    return element(
        "svg",
        *dots,
        class_="chart dots",
        viewBox=f"0 0 {columns * _STEP:.0f} {rows * _ROW:.0f}",
        role="img",
        aria_label=f"{leader} leads in {leading} of {DOTS} simulated futures",
    )
