from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.pages.charts.drawing.scale import Scale, round_domain, round_ticks


def test_values_map_linearly_and_stop_at_the_edges() -> None:
    scale = Scale(0, 100, 300, 100)
    assert [scale(value) for value in (0, 25, 100)] == [300, 250, 100]
    assert [scale(value) for value in (-5, 105)] == [300, 100]


def test_an_empty_domain_is_refused() -> None:
    with pytest.raises(ValueError, match="ascends"):
        Scale(5, 5, 0, 1)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 100, (0, 25, 50, 75, 100)),
        (0, 40, (0, 10, 20, 30, 40)),
        (0, 8, (0, 2, 4, 6, 8)),
        (-50, 30, (-40, -20, 0, 20)),
        (0, 1, (0, 0.25, 0.5, 0.75, 1)),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert round_ticks(low, high, 4) == pytest.approx(ticks)


@given(st.floats(-1e4, -1e-2), st.floats(1e-2, 1e4))
def test_a_round_domain_holds_the_values_and_ends_at_ticks(low: float, high: float) -> None:
    begin, end = round_domain(low, high, 4)
    assert begin <= low * (1 - 1e-6)
    assert end >= high * (1 - 1e-6)
    ticks = round_ticks(begin, end, 5)
    assert 2 <= len(ticks) <= 8
