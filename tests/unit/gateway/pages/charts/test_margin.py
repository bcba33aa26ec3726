from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.common.comparison import Step
from services.gateway.pages.charts.drawing.times import epoch_seconds
from services.gateway.pages.charts.inputs import MarginPoint
from services.gateway.pages.charts.margin import Margin, margin_chart
from tests.unit.gateway.pages.charts.reading import Element, having, numbers_of, one_run, parse, the, words
from tests.unit.gateway.pages.charts.samples import HOSTILE_NAMES, dates
from tests.unit.gateway.pages.charts.text_boxes import outside, overlaps

both_widths = pytest.mark.parametrize("narrow", [False, True])
PAST = (4.0, 8.0, -2.0, 5.0, 6.0, 3.0)


def margin(
    values: Sequence[float] = (5, 10, 15, 20),
    *,
    past: Sequence[float | None] = PAST,
    names: tuple[str, str] = ("tea", "coffee"),
    step: Step = Step.WEEKLY,
) -> Margin:
    """Bands of ±10 and ±20; coffee leads in 60, 65, 70, … of 100 futures."""
    days = dates(step, len(past) + len(values))
    points = [
        MarginPoint(day, value, value - 10, value + 10, value - 20, value + 20, min(100, 60 + 5 * index))
        for index, (day, value) in enumerate(zip(days[len(past) :], values, strict=True))
    ]
    return Margin(*names, step, points, days[: len(past)], past)


def drawn(sample: Margin, *, narrow: bool = False) -> Element:
    return parse(margin_chart(sample, id_="margin", narrow=narrow))


def place(root: Element, date: str, value: float) -> object:
    left, top, right, bottom = numbers_of(root, "data-plot")
    start, end = numbers_of(root, "data-time")
    low, high = numbers_of(root, "data-value")
    x = left + (epoch_seconds(date) - start) / (end - start) * (right - left)
    return pytest.approx((x, bottom - (value - low) / (high - low) * (bottom - top)), abs=0.11)


def clipped(root: Element, role: str) -> Element:
    """The part of the plot in which a term leads."""
    [group] = [each for each in root.iter("g") if each.get("clip-path") == f"url(#margin-{role})"]
    return group


def test_values_and_bands_are_where_the_scale_puts_them() -> None:
    sample = margin()
    root = drawn(sample)
    group = clipped(root, "b")
    last_past = place(root, sample.past_dates[-1], PAST[-1])
    assert one_run(the(group, "forecast")) == [last_past, *(place(root, p.date, p.value) for p in sample.points)]
    upper = [last_past, *(place(root, p.date, p.upper95) for p in sample.points)]
    assert one_run(the(group, "b95"))[:5] == upper
    # The past is as long as the forecast.
    drawn_past = list(zip(sample.past_dates, PAST, strict=True))[-4:]
    assert one_run(the(group, "line")) == [place(root, *each) for each in drawn_past]


def test_each_half_has_the_colour_of_the_term_that_leads_there() -> None:
    root = drawn(margin())
    zero = float(the(root, "zero").attrib["d"].split(" ")[1].split("H")[0])
    halves = {each.attrib["id"]: next(iter(each)).attrib for each in root.iter("clipPath")}
    for role in ("a", "b"):
        assert clipped(root, role).get("class") == role
    assert float(halves["margin-b"]["y"]) + float(halves["margin-b"]["height"]) == zero
    assert float(halves["margin-a"]["y"]) == zero
    below, above = (words(side) for side in having(root, "side"))
    assert (below, above) == ("tea leads", "coffee leads")


@both_widths
def test_the_strip_divides_each_period_as_the_futures_are(narrow: bool) -> None:
    root = drawn(margin(), narrow=narrow)
    shares = the(root, "shares")
    division = the(shares, "share", "b").attrib["d"].split("V")
    top = float(division[0].split(" ")[1])
    bottom = float(the(shares, "share", "a").attrib["d"].split("V")[-1].removesuffix("z"))
    heights = [float(step.split("H")[0]) for step in division[1:-1]]
    assert [(y - top) / (bottom - top) * 100 for y in heights] == pytest.approx([60, 65, 70, 75], abs=0.5)
    assert "coffee leads in 60 → 75 of 100 futures" in words(shares)


def test_the_heading_of_the_strip_names_the_term_that_leads_at_last() -> None:
    points = [MarginPoint(day, -5, -9, -1, -9, -1, 30 - 10 * index) for index, day in enumerate(dates(Step.DAILY, 2))]
    root = drawn(Margin("tea", "coffee", Step.DAILY, points))
    assert "tea leads in 70 → 80 of 100 futures" in words(the(root, "shares"))


def test_the_heading_of_the_strip_gives_a_share_that_does_not_change_once() -> None:
    points = [MarginPoint(day, -5, -9, -1, -9, -1, 22) for day in dates(Step.DAILY, 2)]
    root = drawn(Margin("tea", "coffee", Step.DAILY, points))
    assert "tea leads in 78 of 100 futures" in words(the(root, "shares"))


@both_widths
@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("values", [(0, 0), (90, 80) * 7, (-90, -80) * 24, (0.1, -0.1, 0.2)])
def test_texts_neither_overlap_nor_leave_the_chart(values: Sequence[float], step: Step, narrow: bool) -> None:
    for past in (PAST, (), (None, None, 2.0, None)):
        root = drawn(margin(values, past=past, step=step), narrow=narrow)
        assert overlaps(root) == []
        assert outside(root) == []


@both_widths
@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_any_name_is_text_that_fits(name: str, narrow: bool) -> None:
    root = drawn(margin(names=(name, name[::-1])), narrow=narrow)
    assert outside(root) == []
    assert overlaps(root) == []
    assert not [each for each in root.iter() if "style" in each.attrib]


def test_the_description_gives_the_numbers() -> None:
    [desc] = [each.text for each in drawn(margin()) if each.tag == "desc"]
    assert desc == (
        "coffee minus tea, in points; above zero coffee leads. On 16 February 2020: +5, 8 of 10 outcomes from −5 to "
        "+15, 19 of 20 from −15 to +25; coffee leads in 60 of 100 futures. On 8 March 2020: +20, 8 of 10 outcomes "
        "from +10 to +30, 19 of 20 from 0 to +40; coffee leads in 75 of 100 futures."
    )


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((0.2, 99.7), "coffee leads in <1 → >99 of 100 futures"),
        ((99.2, 100), "coffee leads in 99 → >99 of 100 futures"),
        ((100, 100), "coffee leads in >99 of 100 futures"),
        ((0, 0.5), "tea leads in >99 of 100 futures"),
        ((50.2, 49.7), "each term leads in 50 of 100 futures"),
        ((71, 50), "coffee leads in 71 → 50 of 100 futures"),
    ],
)
def test_shares_are_rounded_but_never_claim_certainty(shares: tuple[float, float], expected: str) -> None:
    points = [
        MarginPoint(day, 60, 50, 70, 40, 80, share) for day, share in zip(dates(Step.DAILY, 2), shares, strict=True)
    ]
    assert expected in words(the(drawn(Margin("tea", "coffee", Step.DAILY, points)), "shares"))


def test_small_margins_do_not_fill_the_axis() -> None:
    points = [MarginPoint(day, 0.1, 0, 0.2, 0, 0.3, 50) for day in dates(Step.DAILY, 3)]
    low, high = numbers_of(drawn(Margin("tea", "coffee", Step.DAILY, points)), "data-value")
    assert low <= -5 < 5 <= high


def test_incomplete_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="two periods"):
        margin(values=(1,))
    with pytest.raises(ValueError, match="1 past margins for 0 dates"):
        Margin("tea", "coffee", Step.DAILY, margin().points, (), (1.0,))
