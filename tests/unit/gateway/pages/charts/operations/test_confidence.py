from __future__ import annotations

import pytest

from services.gateway.pages.charts.operations.calibration import Share
from services.gateway.pages.charts.operations.confidence import Came, confidence_chart
from tests.unit.gateway.pages.charts.reading import Element, having, parse, the
from tests.unit.gateway.pages.charts.text_boxes import outside, overlaps

ROWS = [
    Came("Below 50 %", 44.0, Share(40.0, 31, 49)),
    Came("60 to 70 %", 65.0, Share(61.2, 58, 64)),
    Came("90 to 100 %", 92.0, Share(100.0, 62, 100)),
]


def drawn(rows: list[Came], *, narrow: bool = False) -> Element:
    return parse(confidence_chart(rows, id_="confidence", narrow=narrow))


def test_marks_and_dots_are_at_their_places_on_one_axis() -> None:
    root = drawn(ROWS)
    marks = [float(mark.attrib["d"][1:].split(" ")[0]) for mark in having(root, "said")]
    dots = [float(dot.attrib["cx"]) for dot in root.iter("circle")]
    per_percent = (marks[2] - marks[0]) / (92.0 - 44.0)
    assert marks[1] == pytest.approx(marks[0] + (65.0 - 44.0) * per_percent, abs=0.2)
    assert dots == pytest.approx([marks[0] + (row.came.percent - 44.0) * per_percent for row in ROWS], abs=0.2)


def test_a_bar_joins_mark_and_dot() -> None:
    root = drawn(ROWS[1:2])
    left, right = (float(end) for end in having(root, "gap")[0].attrib["d"][1:].replace("H", " ").split(" ")[::2])
    assert left == pytest.approx(float(next(root.iter("circle")).attrib["cx"]), abs=0.1)
    assert right == pytest.approx(float(the(root, "said").attrib["d"][1:].split(" ")[0]), abs=0.1)


@pytest.mark.parametrize("narrow", [False, True])
def test_no_text_overlaps_or_leaves_the_chart(narrow: bool) -> None:
    for rows in (ROWS, [Came("Below 50 %", 0.0, Share(100.0, 0, 100))]):
        root = drawn(rows, narrow=narrow)
        assert not overlaps(root)
        assert not outside(root)


def test_the_description_holds_the_figures() -> None:
    assert the(drawn(ROWS[:2]), "chart").findtext("desc") == (
        "Below 50 %: said 44 %, came true 40 % (31 to 49 %). 60 to 70 %: said 65 %, came true 61 % (58 to 64 %)."
    )


def test_a_chart_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        confidence_chart([], id_="confidence")
