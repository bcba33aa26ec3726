from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.pages.charts.comparison.chart import comparison_chart
from services.gateway.pages.charts.comparison.end_labels import spread
from services.gateway.pages.charts.comparison.layout import MEDIUM, NARROW, WIDE, Layout
from services.gateway.pages.charts.inputs import Comparison, Mark, MarkKind
from services.gateway.pages.charts.sample import five_year_comparison
from tests.unit.gateway.pages.charts.reading import Element, having, numbers_of, one_run, parse, the, words
from tests.unit.gateway.pages.charts.samples import HOSTILE_NAMES, SAMPLES, comparison, named, without_forecasts
from tests.unit.gateway.pages.charts.text_boxes import outside, overlaps, text_boxes

every_layout = pytest.mark.parametrize("layout", [WIDE, MEDIUM, NARROW], ids=lambda layout: layout.kind)


def drawn(sample: Comparison, layout: Layout = WIDE) -> Element:
    return parse(comparison_chart(sample, id_="chart", layout=layout))


@every_layout
@pytest.mark.parametrize("name", SAMPLES)
def test_no_two_texts_overlap_and_none_leaves_the_chart(name: str, layout: Layout) -> None:
    for sample in (SAMPLES[name](), without_forecasts(SAMPLES[name]())):
        root = drawn(sample, layout)
        assert overlaps(root) == []
        assert outside(root) == []


@every_layout
@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_any_name_is_text_that_fits(name: str, layout: Layout) -> None:
    for sample in (five_year_comparison(), SAMPLES["cold"]()):
        root = drawn(named(sample, name, name[::-1]), layout)
        assert overlaps(root) == []
        assert outside(root) == []
        assert {each.tag for each in root.iter()} <= {"svg", "title", "desc", "g", "path", "rect", "circle", "text"}


def test_a_shortened_name_is_given_in_full_as_its_title() -> None:
    name = "the best espresso machines of this year and the last"
    root = drawn(named(five_year_comparison(), name, "tea"))
    assert words(the(root, "end", "a")).endswith("…")
    titles = [[title.text for title in label.iter("title")] for label in having(root, "label")]
    assert titles == [[name], []]


@every_layout
def test_without_a_forecast_names_leave_its_space_empty(layout: Layout) -> None:
    close = without_forecasts(comparison([50] * 20, [51] * 20, forecasts=(50, 51)))
    root = drawn(close, layout)
    right = numbers_of(root, "data-plot")[2]
    assert all(float(end.attrib["x"]) > right for end in having(root, "end"))
    assert having(root, "leader") == [], "a line through that space reads as a forecast"


@given(st.floats(0, 100), st.floats(0, 100), st.booleans())
def test_labels_at_the_line_ends_never_overlap(a: float, b: float, cold: bool) -> None:
    sample = comparison([a] * 20, [b] * 20, forecasts=(None, None) if cold else (a, b))
    assert overlaps(drawn(sample, NARROW)) == []


@given(st.lists(st.floats(-500, 500), min_size=2, max_size=2))
def test_spread_positions_keep_their_order_and_distance(wanted: list[float]) -> None:
    one, other = spread(wanted, 30, 0, 200)
    assert abs(one - other) >= 30 - 1e-9
    assert 0 <= min(one, other) <= max(one, other) <= 200
    assert (one < other) == (wanted[0] < wanted[1])


def test_labels_that_have_room_are_at_their_lines() -> None:
    assert spread([50, 150], 30, 0, 200) == [50, 150]
    assert spread([50], 30, 0, 200) == [50]


def test_a_label_that_was_moved_has_a_line_to_its_end() -> None:
    apart, close = (drawn(comparison([20.0] * 9, [b] * 9, forecasts=(20, b))) for b in (80.0, 21.0))
    assert having(apart, "leader") == []
    assert len(having(close, "leader")) == 2


def test_the_figure_is_the_end_of_the_forecast_else_the_last_value() -> None:
    sample = comparison([20.0] * 9, [0.5] * 9, forecasts=(33, None))
    assert [words(each) for each in having(drawn(sample), "figure")] == ["33 · 31 May 2020", "<1 · 1 Mar 2020"]
    assert [words(each) for each in having(drawn(sample, NARROW), "figure")] == ["33 · 31 May", "<1 · 1 Mar"]


def test_marks_have_a_title_and_lie_on_their_line() -> None:
    sample = five_year_comparison()
    root = drawn(sample)
    marks = having(root, "mark")
    expected = [mark.title for pair in zip(sample.a.marks, sample.b.marks, strict=True) for mark in pair]
    assert [title.text for mark in marks for title in mark.iter("title")] == expected
    for role in ("a", "b"):
        [circle] = the(root, "mark", "peak", role).iter("circle")
        place = (float(circle.attrib["cx"]), float(circle.attrib["cy"]))
        assert place in one_run(the(root, "line", role))
    [desc] = root.iter("desc")
    for term in (sample.a, sample.b):
        assert f"Marked for {term.name}: {term.marks[0].title}; {term.marks[1].title}." in str(desc.text)


def test_a_mark_of_a_level_is_drawn_on_the_line_and_one_in_a_gap_at_its_own_value() -> None:
    level, gap = (Mark(f"2020-01-{day}", 90, MarkKind.CHANGE, "", "level") for day in ("12", "19"))
    sample = comparison([10.0, 20.0, None, 30.0], [50.0] * 4)
    root = drawn(replace(sample, a=replace(sample.a, marks=(level, gap))))
    _, top, _, bottom = numbers_of(root, "data-plot")
    tips = [next(mark.iter("path")).attrib["d"].split("l")[0].split(" ")[1] for mark in having(root, "mark")]
    heights = [(bottom - float(tip) - 6) / (bottom - top) * 100 for tip in tips]
    assert heights == pytest.approx([20, 90], abs=0.1)


def test_marks_outside_the_drawn_span_are_omitted() -> None:
    sample = five_year_comparison()
    early = Mark(sample.dates[3], 50, MarkKind.PEAK, "early", "An early peak")
    sample = replace(sample, a=replace(sample.a, marks=(early,)), b=replace(sample.b, marks=()))
    assert len(having(drawn(sample), "mark")) == 1
    assert having(drawn(sample, NARROW), "mark") == []


@every_layout
def test_labels_of_many_marks_stay_clear_of_lines_and_of_each_other(layout: Layout) -> None:
    sample = five_year_comparison()
    marks = tuple(
        Mark(sample.dates[week], float(sample.a.values[week] or 0), MarkKind.PEAK, f"label {week}", f"Peak {week}")
        for week in range(0, 260, 3)
    )
    root = drawn(replace(sample, a=replace(sample.a, marks=marks)), layout)
    labels = [(text, box) for text, box in text_boxes(root) if text.startswith("label")]
    assert 0 < len(labels) <= layout.mark_labels
    assert overlaps(root) == []
    left, _, right, _ = numbers_of(root, "data-plot")
    for _, box in labels:
        assert left <= box.left < box.right <= right
        for role in ("a", "b"):
            inside = [y for x, y in one_run(the(root, "line", role)) if box.left < x < box.right]
            assert not [y for y in inside if box.top < y < box.bottom]
