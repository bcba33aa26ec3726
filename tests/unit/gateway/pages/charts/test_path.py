from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.pages.charts.drawing.path import area_path, line_path
from services.gateway.pages.charts.drawing.svg import element
from tests.unit.gateway.pages.charts.reading import one_run, parse, runs

positions = st.lists(st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)), min_size=2, max_size=200)


@given(positions)
def test_each_position_is_within_half_a_tenth_however_long_the_path(line: list[tuple[float, float]]) -> None:
    drawn = one_run(parse(element("path", d=line_path(line))))
    assert len(drawn) == len(line)
    for (x, y), (wanted_x, wanted_y) in zip(drawn, line, strict=True):
        assert x == pytest.approx(wanted_x, abs=0.0501)
        assert y == pytest.approx(wanted_y, abs=0.0501)


def test_steps_are_relative_and_short() -> None:
    assert line_path([(36, 331.2), (42.94, 348.6), (49.8, 348.1), (50, 348)]) == "M36 331.2l6.9 17.4 6.9-.5 .2-.1"


def test_a_gap_begins_a_new_subpath() -> None:
    path = element("path", d=line_path([(0, 0), (1, 1), None, None, (3, 3), (4, 4)]))
    assert runs(parse(path)) == [[(0, 0), (1, 1)], [(3, 3), (4, 4)]]


def test_a_position_between_gaps_stays_visible() -> None:
    assert line_path([None, (5, 2), None]) == "M4.5 2h1"
    assert line_path([None]) == ""


def test_an_area_returns_along_its_lower_edge() -> None:
    assert area_path([(0, 0), (10, 0)], [(0, 5), (10, 6)]) == "M0 0l10 0 0 6-10-1z"
    assert area_path([], []) == ""
