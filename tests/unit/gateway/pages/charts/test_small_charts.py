from __future__ import annotations

import pytest

from services.gateway.pages.charts.probability_dots import dots_of_b, probability_dots
from services.gateway.pages.charts.sparkline import sparkline
from tests.unit.gateway.pages.charts.reading import having, one_run, parse, runs, the
from tests.unit.gateway.pages.charts.samples import HOSTILE_NAMES


def test_a_sparkline_draws_both_terms_from_the_lowest_to_the_highest_value() -> None:
    root = parse(sparkline("tea", "coffee", [0, 50, 100], [100, 50, 25]))
    lines = [one_run(next(the(root, role).iter("path"))) for role in ("a", "b")]
    assert lines == [[(4, 40), (90, 22), (176, 4)], [(4, 4), (90, 22), (176, 31)]]
    last = next(the(root, "b").iter("circle"))
    assert (last.get("cx"), last.get("cy")) == ("176", "31")


def test_a_sparkline_is_named_by_the_last_values() -> None:
    root = parse(sparkline("tea", "coffee", [1, 62, None], [None, None]))
    assert root.get("aria-label") == "tea 62, coffee unknown"
    assert root.get("role") == "img"


def test_series_that_hardly_move_are_nearly_level() -> None:
    root = parse(sparkline("tea", "coffee", [50, 51, 50], [50, 50, 50]))
    heights = [y for _, y in one_run(next(the(root, "a").iter("path")))]
    assert max(heights) - min(heights) < 6


@pytest.mark.parametrize("values", [[], [None], [5.0], [0.0] * 60, [1.0, None, 2.0]])
def test_any_series_has_a_sparkline(values: list[float | None]) -> None:
    root = parse(sparkline("tea", "coffee", values, values))
    assert all(0 <= x <= 180 and 0 <= y <= 44 for path in root.iter("path") for run in runs(path) for x, y in run)


def test_a_sparkline_of_60_values_is_small() -> None:
    values = [float(index * 7919 % 101) for index in range(60)]
    assert len(sparkline("tea", "coffee", values, values[::-1]).encode()) < 1_500


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_any_name_is_text(name: str) -> None:
    for chart in (sparkline(name, name, [1, 2], [3, 4]), probability_dots(name, name, 60)):
        root = parse(chart)
        assert {each.tag for each in root.iter()} <= {"svg", "g", "path", "circle"}
        assert {name for each in root.iter() for name in each.attrib}.isdisjoint({"style", "onerror", "onload"})


@pytest.mark.parametrize(
    ("probability", "dots"),
    [(0, 0), (0.4, 0), (0.6, 1), (50, 10), (86, 17), (97, 19), (99.4, 19), (99.6, 20), (100, 20)],
)
def test_dots_are_rounded_but_never_claim_certainty(probability: float, dots: int) -> None:
    assert dots_of_b(probability) == dots


@pytest.mark.parametrize(("probability", "order", "label"), [
    (86, "b" * 17 + "a" * 3, "coffee leads in 17 of 20 simulated futures"),
    (20, "a" * 16 + "b" * 4, "tea leads in 16 of 20 simulated futures"),
    (52, "b" * 10 + "a" * 10, "coffee leads in 10 of 20 simulated futures"),
    (48, "a" * 10 + "b" * 10, "tea leads in 10 of 20 simulated futures"),
    (49.6, "a" * 10 + "b" * 10, "each term leads in 10 of 20 simulated futures"),
    (50, "b" * 10 + "a" * 10, "each term leads in 10 of 20 simulated futures"),
])  # fmt: skip
def test_the_dots_of_the_likelier_leader_are_first(probability: float, order: str, label: str) -> None:
    root = parse(probability_dots("tea", "coffee", probability))
    assert "".join(circle.attrib["class"] for circle in root.iter("circle")) == order
    assert root.get("aria-label") == label


@pytest.mark.parametrize(("rows", "box"), [(1, "0 0 400 22"), (2, "0 0 200 44")])
def test_dots_fill_their_rows(rows: int, box: str) -> None:
    root = parse(probability_dots("tea", "coffee", 86, rows=rows))
    assert root.get("viewBox") == box
    assert len({(circle.get("cx"), circle.get("cy")) for circle in root.iter("circle")}) == 20
    assert len(having(root, "a")) == 3
