from __future__ import annotations

import pytest

from services.gateway.pages.charts.operations.coverage_bar import coverage_bar
from tests.unit.gateway.pages.charts.reading import parse


def test_parts_are_as_wide_as_their_share_and_differ_in_height() -> None:
    root = parse(coverage_bar(6, 3, 1))
    widths = [float(part.attrib["width"]) for part in root]
    assert widths == pytest.approx([144, 72, 24])
    assert [float(part.attrib["x"]) for part in root] == pytest.approx([0, 144, 216])
    assert len({part.attrib["height"] for part in root}) == 3
    assert root.attrib["aria-label"] == "6 fresh, 3 stale, 1 cold"


def test_an_empty_part_is_not_drawn() -> None:
    assert [part.attrib["class"] for part in parse(coverage_bar(0, 0, 4))] == ["share cold"]
    assert len(parse(coverage_bar(0, 0, 0))) == 0
