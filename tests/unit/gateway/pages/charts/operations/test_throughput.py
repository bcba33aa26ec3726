"""The bars of ended attempts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.gateway.pages.charts.operations.sizes import WIDTHS, Size
from services.gateway.pages.charts.operations.throughput import Bar, throughput_chart
from tests.unit.gateway.pages.charts.reading import Element, having, parse, words

START = datetime(2026, 11, 30, 13, tzinfo=UTC)


def box(each: Element) -> tuple[float, float]:
    """Top and bottom of a rectangle."""
    return float(each.attrib["y"]), float(each.attrib["y"]) + float(each.attrib["height"])


def bars(*counts: tuple[int, int, int, int]) -> list[Bar]:
    times = [START + timedelta(minutes=minute) for minute in range(len(counts))]
    return [Bar(at, f"{at:%H:%M}", each) for at, each in zip(times, counts, strict=True)]


@pytest.mark.parametrize("size", Size)
def test_parts_are_stacked_from_zero(size: Size) -> None:
    root = parse(throughput_chart(bars((6, 3, 1, 0), (10, 0, 0, 10)), size, title="Ended attempts"))
    ready, other = having(root, "ready"), having(root, "other")
    retried, failed = having(root, "retried"), having(root, "failed")
    assert [len(each) for each in (ready, retried, failed, other)] == [2, 1, 1, 1]

    assert box(retried[0])[1] == pytest.approx(box(ready[0])[0], abs=0.11)
    assert box(failed[0])[1] == pytest.approx(box(retried[0])[0], abs=0.11)
    assert box(ready[0])[1] == box(ready[1])[1]
    heights = [box(each)[1] - box(each)[0] for each in (ready[0], ready[1], other[0])]
    assert heights[0] / heights[1] == pytest.approx(0.6, abs=0.01)
    assert heights[1] == pytest.approx(heights[2], abs=0.2)
    assert all(float(each.attrib["x"]) + float(each.attrib["width"]) <= WIDTHS[size] for each in ready)


def test_each_bar_has_its_text() -> None:
    root = parse(throughput_chart(bars((1_200, 3, 0, 0), (0, 0, 0, 0)), Size.WIDE, title="Ended attempts"))
    texts = [each.attrib["data-bar"] for each in root.iter() if "data-bar" in each.attrib]
    assert texts == ["13:00: 1,200 ready, 3 retried", "13:01: none"]
    described = next(each for each in root.iter() if each.tag == "desc")
    assert described.text == "2 bars from 13:00 to 13:01: 1,200 ready, 3 retried, 0 failed, 0 other."


def test_ticks_are_whole_numbers() -> None:
    root = parse(throughput_chart(bars((1, 0, 0, 0)), Size.NARROW, title="Ended attempts"))
    assert [words(each) for each in having(root, "tick")[0]] == ["0", "1"]


def test_the_time_is_at_both_ends_and_in_the_middle() -> None:
    root = parse(throughput_chart(bars(*[(1, 0, 0, 0)] * 60), Size.WIDE, title="Ended attempts"))
    assert [words(each) for each in having(root, "tick")[1]] == ["13:00", "13:30", "13:59"]


def test_without_bars_there_is_no_chart() -> None:
    with pytest.raises(ValueError, match="at least one bar"):
        throughput_chart([], Size.WIDE, title="Ended attempts")
