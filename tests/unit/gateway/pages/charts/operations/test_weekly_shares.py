from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.operations.weekly_shares import Shares, weekly_shares_chart
from tests.unit.gateway.pages.charts.reading import Element, having, parse, runs, the
from tests.unit.gateway.pages.charts.text_boxes import outside, overlaps

WEEKS = ["2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23"]


def drawn(*shares: Shares, weeks: list[str] = WEEKS, narrow: bool = False) -> Element:
    return parse(weekly_shares_chart(shares, weeks, id_="weekly", title="Shares", narrow=narrow))


def test_a_week_without_scores_is_a_gap_and_each_other_one_a_dot() -> None:
    root = drawn(Shares(Role.A, "winner", [50.0, None, 75.0, 100.0]))
    assert len(runs(having(root, "line", "a")[0])) == 2
    dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in the(root, "weeks", "a")]
    assert len(dots) == 3
    assert dots[0][1] > dots[1][1] > dots[2][1], "a higher share is higher"
    assert dots[1][0] - dots[0][0] == pytest.approx(2 * (dots[2][0] - dots[1][0]), abs=0.2)


def test_what_was_said_is_a_line_at_its_height() -> None:
    root = drawn(Shares(Role.A, "80 % interval", [80.0] * 4, said=80), Shares(Role.B, "winner", [60.0] * 4))
    height = float(the(root, "said").attrib["d"].split(" ")[1].split("H")[0])
    assert {float(dot.attrib["cy"]) for dot in the(root, "weeks", "a")} == {height}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("weeks", [2, 4, 13, 53])
def test_no_text_overlaps_or_leaves_the_chart(weeks: int, narrow: bool) -> None:
    dates = [str(date(2025, 12, 1) + timedelta(weeks=week)) for week in range(weeks)]
    shares = [
        Shares(role, f"{said} % interval", [0.0] * len(dates), said) for role, said in zip(Role, (80, 95), strict=True)
    ]
    root = drawn(*shares, weeks=dates, narrow=narrow)
    assert not overlaps(root)
    assert not outside(root)


def test_the_description_holds_the_range_and_the_last_week() -> None:
    root = drawn(
        Shares(Role.A, "80 % interval", [70.0, None, 90.0, 82.4], said=80), Shares(Role.B, "winner", [None] * 4)
    )
    assert root.findtext("desc") == "80 % interval, said 80 %: 70 to 90 %, last 82 %. winner: unknown."


def test_one_week_and_shares_of_another_length_are_refused() -> None:
    for shares, weeks in (([50.0], WEEKS[:1]), ([50.0], WEEKS)):
        with pytest.raises(ValueError, match="at least two weeks"):
            drawn(Shares(Role.A, "winner", shares), weeks=weeks)
