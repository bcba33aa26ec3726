from __future__ import annotations

import pytest

from services.gateway.pages.charts.drawing.svg import Markup, element, image, number, text
from tests.unit.gateway.pages.charts.reading import parse


def test_texts_and_attributes_are_escaped() -> None:
    drawn = element("text", "</text><script>", aria_label='"><img>', x=1.25)
    assert drawn == '<text aria-label="&quot;&gt;&lt;img&gt;" x="1.2">&lt;/text&gt;&lt;script&gt;</text>'


def test_markup_is_inserted_as_it_is_also_by_templates() -> None:
    inner = element("path", d="M0 0")
    assert element("g", inner) == '<g><path d="M0 0"/></g>'
    assert inner.__html__() == inner
    assert isinstance(element("g"), Markup)


def test_absent_values_leave_no_trace() -> None:
    assert element("g", None, class_=None, id="x") == '<g id="x"/>'


@pytest.mark.parametrize("name", ["style", "onclick", "onload", "href", "src", "xlink_href"])
def test_attributes_that_the_policy_refuses_are_refused_here(name: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        element("g", **{name: "x"})


@pytest.mark.parametrize("name", ["script", "foreignObject", "style", "image", "a"])
def test_elements_that_could_run_or_load_something_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not an element of the charts"):
        element(name)


def test_characters_that_xml_does_not_allow_are_replaced() -> None:
    assert text("a\x00b\x1b\ufffe\ud800") == "a\ufffdb\ufffd\ufffd\ufffd"
    assert text("tab\tline\n 👍") == "tab\tline\n 👍"


@pytest.mark.parametrize(("value", "written"), [(1.0, "1"), (-0.04, "0"), (1.25, "1.2"), (-3.96, "-4"), (10, "10")])
def test_numbers_have_at_most_one_decimal(value: float, written: str) -> None:
    assert number(value) == written


def test_an_image_is_named_and_described_by_ids_that_begin_with_its_own() -> None:
    root = parse(image(id_="chart-1", kind="wide", width=10, height=5, title="Tea", desc="Tea: 5."))
    assert root.get("role") == "img"
    named = {each.get("id"): each.text for each in root if each.tag in ("title", "desc")}
    assert [named[each] for each in root.attrib["aria-labelledby"].split()] == ["Tea", "Tea: 5."]
    assert all(each and each.startswith("chart-1-") for each in named)


@pytest.mark.parametrize("name", ["", "1a", "a b", 'a"', "A"])
def test_ids_that_would_break_a_reference_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        image(id_=name, kind="wide", width=10, height=5, title="", desc="")
