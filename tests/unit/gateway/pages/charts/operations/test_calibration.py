from __future__ import annotations

import pytest

from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.operations.calibration import Held, Share, calibration_chart
from tests.unit.gateway.pages.charts.reading import Element, having, parse, the
from tests.unit.gateway.pages.charts.text_boxes import outside, overlaps

ROWS = [
    Held("All timeframes", Share(78.4, 76, 80.4), Share(94.0, 92.6, 95)),
    Held("12 months, weekly", Share(71.0, 61, 79), None),
    Held("All time, monthly", None, None),
]


def exactly(percent: float) -> Share:
    return Share(percent, percent, percent)


def drawn(rows: list[Held], *, narrow: bool = False) -> Element:
    return parse(calibration_chart(rows, id_="calibration", narrow=narrow))


def x_of(path: Element) -> float:
    return float(path.attrib["d"].removeprefix("M").split(" ")[0])


def test_each_known_share_has_a_dot_at_its_place() -> None:
    root = drawn(ROWS)
    dots = [float(dot.attrib["cx"]) for group in having(root, "held") for dot in group.iter("circle")]
    said80, said95 = (x_of(the(root, "said", role)) for role in Role)
    per_percent = (said95 - said80) / 15
    assert dots == pytest.approx([said80 + (held - 80) * per_percent for held in (78.4, 94.0, 71.0)], abs=0.2)


def test_a_bar_leads_from_what_was_said_to_what_came() -> None:
    root = drawn([Held("All", exactly(70.0), exactly(95.0))])
    gap = having(the(root, "held", "a"), "gap")[0].attrib["d"]
    left, right = float(gap[1:].split(" ")[0]), float(gap.split("H")[1])
    assert left == pytest.approx(float(the(root, "held", "a").findall("circle")[0].attrib["cx"]), abs=0.1)
    assert right == pytest.approx(x_of(the(root, "said", "a")), abs=0.1)


def test_a_line_shows_the_uncertainty() -> None:
    root = drawn(ROWS)
    dots = [float(dot.attrib["cx"]) for group in having(root, "held") for dot in group.iter("circle")]
    reaches = [each.attrib["d"] for each in having(root, "reach")]
    ends = [tuple(float(end) for end in d[1:].replace("H", " ").split(" ")[::2]) for d in reaches]
    per_percent = (dots[1] - dots[0]) / (94.0 - 78.4)
    for dot, (left, right), (low, high) in zip(dots, ends, ((2.4, 2), (1.4, 1), (10, 8)), strict=True):
        assert (dot - left, right - dot) == pytest.approx((low * per_percent, high * per_percent), abs=0.3)


def test_the_axis_reaches_as_low_as_the_lowest_share() -> None:
    for lowest, first in ((75.0, "60"), (61.0, "40"), (0.0, "0"), (20.0, "0"), (25.0, "20")):
        ticks = [label.text for label in the(drawn([Held("All", exactly(lowest), exactly(95.0))]), "tick")]
        assert ticks[0] == first
        assert ticks[-1] == "100"


@pytest.mark.parametrize("narrow", [False, True])
def test_no_text_overlaps_or_leaves_the_chart(narrow: bool) -> None:
    for rows in (ROWS, [Held("a name that does not fit " * 3, exactly(0.0), exactly(100.0))]):
        root = drawn(rows, narrow=narrow)
        assert not overlaps(root)
        assert not outside(root)


def test_the_description_holds_the_figures() -> None:
    assert the(drawn(ROWS), "chart").findtext("desc") == (
        "All timeframes: the 80 % interval held 78 % (76 to 80 %) and the 95 % interval held 94 % (93 to 95 %). "
        "12 months, weekly: the 80 % interval held 71 % (61 to 79 %). All time, monthly: unknown."
    )


def test_a_chart_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        calibration_chart([], id_="calibration")
