from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from services.common.comparison import Step
from services.gateway.pages.charts.comparison.chart import comparison_chart, term_chart
from services.gateway.pages.charts.comparison.layout import MEDIUM, NARROW, NARROW_ALL, WIDE, Layout
from services.gateway.pages.charts.drawing.downsample import MAX_POINTS
from services.gateway.pages.charts.drawing.times import epoch_seconds
from services.gateway.pages.charts.inputs import Comparison, Role
from services.gateway.pages.charts.sample import five_year_comparison
from tests.unit.gateway.pages.charts.reading import Element, having, numbers_of, one_run, parse, runs, the, words
from tests.unit.gateway.pages.charts.samples import SAMPLES, comparison, dates, without_forecasts

LAYOUTS = (WIDE, MEDIUM, NARROW, NARROW_ALL)
every_sample = pytest.mark.parametrize("sample", SAMPLES)


def drawn(sample: Comparison, layout: Layout = WIDE) -> Element:
    return parse(comparison_chart(sample, id_="chart", layout=layout))


def pixel(root: Element, date: str, value: float) -> tuple[float, float]:
    """Where the root's attributes, which the crosshair reads, say that a value is."""
    left, top, right, bottom = numbers_of(root, "data-plot")
    start, end = numbers_of(root, "data-time")
    low, high = numbers_of(root, "data-value")
    x = left + (epoch_seconds(date) - start) / (end - start) * (right - left)
    return x, bottom - (min(value, high) - low) / (high - low) * (bottom - top)


def expected(root: Element, days: list[str], values: list[float]) -> list[object]:
    return [pytest.approx(pixel(root, *each), abs=0.11) for each in zip(days, values, strict=True)]


@every_sample
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.kind} {layout.recent}")
def test_every_chart_is_well_formed_and_obeys_the_policy(sample: str, layout: Layout) -> None:
    root = drawn(SAMPLES[sample](), layout)
    assert root.get("viewBox") == f"0 0 {layout.width} {layout.height}"
    for each in root.iter():
        assert not {"style", "href"} & set(each.attrib)
        assert not any(name.startswith("on") for name in each.attrib)
        assert "nan" not in str(each.attrib)
        assert not {"fill", "stroke"} & set(each.attrib), "colours come from classes"


def test_values_are_where_the_scale_puts_them() -> None:
    sample = five_year_comparison()
    root = drawn(sample)
    for role in Role:
        term = sample.term(role)
        complete = [float(value or 0) for value in term.values[:-1]]
        assert one_run(the(root, "line", role)) == expected(root, list(sample.dates[:-1]), complete)
        forecast_days = [point.date for point in term.forecast]
        days = [sample.dates[-2], *forecast_days]
        line = one_run(the(root, "forecast", role))
        assert line == expected(root, days, [complete[-1], *(point.value for point in term.forecast)])
        for kind, lower, upper in (("b80", "lower80", "upper80"), ("b95", "lower95", "upper95")):
            edges = [[complete[-1], *(getattr(point, edge) for point in term.forecast)] for edge in (upper, lower)]
            band = one_run(the(root, "band", kind, role))
            assert band == expected(root, days, edges[0]) + expected(root, days, edges[1])[::-1]


@every_sample
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.kind} {layout.recent}")
def test_nothing_shifts_when_the_forecast_arrives(sample: str, layout: Layout) -> None:
    ready = SAMPLES[sample]()
    before, after = drawn(without_forecasts(ready), layout), drawn(ready, layout)
    for name in ("viewBox", "data-plot", "data-time", "data-value"):
        assert before.get(name) == after.get(name)
    for classes in (("line", "a"), ("line", "b"), ("future",), ("now",)):
        assert the(before, *classes).attrib == the(after, *classes).attrib
    assert not having(before, "forecast")
    assert not having(before, "band")


@pytest.mark.parametrize("step", Step)
def test_the_future_ends_with_the_forecast(step: Step) -> None:
    sample = SAMPLES[step.value]()
    root = drawn(sample)
    assert numbers_of(root, "data-time")[1] == epoch_seconds(sample.a.forecast[-1].date)


def test_months_at_their_ends_keep_their_day() -> None:
    ends = ["2025-10-31", "2025-11-30", "2025-12-31", "2026-01-31"]
    tea = replace(comparison([1, 2, 3, 4], [4, 3, 2, 1], step=Step.MONTHLY, horizon=12), dates=ends)
    assert numbers_of(drawn(tea), "data-time") == [epoch_seconds("2025-10-31"), epoch_seconds("2027-01-31")]


def test_a_partial_last_period_is_a_hollow_point_beyond_the_line() -> None:
    sample = comparison([10, 20, 30, 4], [40, 50, 60, 7], partial=True)
    root = drawn(sample)
    for role, value in ((Role.A, 4), (Role.B, 7)):
        circle = next(the(root, "partial", role).iter("circle"))
        place = pytest.approx(pixel(root, sample.dates[-1], value), abs=0.1)
        assert (float(circle.attrib["cx"]), float(circle.attrib["cy"])) == place
        assert len(one_run(the(root, "line", role))) == 3
        [title] = the(root, "partial", role).iter("title")
        assert title.text == f"26 Jan 2020: {value} so far"
    assert not having(drawn(replace(sample, partial_last_period=False)), "partial")


def test_now_is_at_the_last_period() -> None:
    sample = comparison([10, 20, 30, 4], [40, 50, 60, 7], partial=True, forecasts=(30, 60))
    root = drawn(sample)
    now = pytest.approx(pixel(root, sample.dates[-1], 0)[0], abs=0.1)
    assert float(the(root, "future").attrib["x"]) == now
    assert float(the(root, "nowlabel").attrib["x"]) == now
    assert words(the(root, "nowlabel")) == "now"


def test_at_most_600_points_a_term_are_drawn() -> None:
    root = drawn(SAMPLES["5,000 points"]())
    for role in Role:
        line = one_run(the(root, "line", role))
        assert 500 < len(line) <= MAX_POINTS
        assert min(y for _, y in line) == pytest.approx(
            pixel(root, "2020-01-05", 100 if role == "a" else 59)[1], abs=0.1
        )


def test_gaps_are_not_bridged() -> None:
    root = drawn(SAMPLES["gaps"]())
    assert len(runs(the(root, "line", "a"))) == 12
    assert runs(the(root, "line", "b")) == []


@pytest.mark.parametrize(("highest", "top"), [(0, 8), (4, 8), (5, 20), (10, 20), (20, 40), (21, 100), (100, 100)])
def test_the_value_axis_reaches_100_unless_the_history_stays_far_below(highest: float, top: float) -> None:
    root = drawn(comparison([0, 0, highest], [0, 0, 0]))
    assert numbers_of(root, "data-value") == [0, top]
    axis = [words(text) for text in having(root, "tick")[0]]
    assert axis == [f"{top * quarter / 4:.0f}" for quarter in range(5)]
    assert words(the(root, "unit")) == "points"


def test_bands_beyond_a_low_axis_stop_at_its_edge() -> None:
    root = drawn(comparison([1.0, 2.0] * 9, [1.0] * 18, forecasts=(2, 1)))
    _, top, _, _ = numbers_of(root, "data-plot")
    assert min(y for _, y in one_run(the(root, "band", "b95", "a"))) == top


def test_the_bands_are_named_in_words() -> None:
    assert words(the(drawn(five_year_comparison()), "key")) == "19 of 20 outcomes8 of 10 outcomes"
    assert not having(drawn(SAMPLES["cold"]()), "key")


def test_one_missing_forecast_leaves_the_other() -> None:
    root = drawn(SAMPLES["one forecast missing"]())
    assert [each.get("class") for each in having(root, "forecast")] == ["forecast a"]
    assert len(having(root, "band", "a")) == 2
    assert len(having(root, "line")) == 2


def test_a_forecast_of_the_previous_snapshot_begins_where_it_was_made() -> None:
    old = comparison([50.0] * 40, [20.0] * 40, forecasts=(60, 30))
    new = replace(
        old,
        dates=dates(Step.WEEKLY, 44),
        a=replace(old.a, values=[50.0] * 44),
        b=replace(old.b, values=[20.0] * 44),
    )
    root = drawn(new)
    assert one_run(the(root, "forecast", "a"))[0] == pytest.approx(pixel(root, new.dates[39], 50), abs=0.1)
    assert numbers_of(root, "data-time")[1] == epoch_seconds("2020-11-01") + 13 * 7 * 86_400


@pytest.mark.parametrize("role", Role)
def test_terms_that_are_scaled_apart_have_a_chart_each(role: Role) -> None:
    sample = comparison([1.0, 2.0, 3.0], [80.0, 90.0, 100.0], forecasts=(3, 90))
    root = parse(term_chart(sample, role, id_="chart"))
    assert [each.get("class") for each in having(root, "line")] == [f"line {role}"]
    assert numbers_of(root, "data-value") == [0, 8 if role is Role.A else 100]
    assert not having(root, "b" if role is Role.A else "a")


def test_the_narrow_chart_shows_the_recent_past_and_all_on_request() -> None:
    sample = five_year_comparison()
    recent, whole = drawn(sample, NARROW), drawn(sample, NARROW_ALL)
    assert len(one_run(the(recent, "line", "a"))) == 78
    assert len(one_run(the(whole, "line", "a"))) == 260
    assert recent.get("viewBox") == whole.get("viewBox")


def test_the_description_gives_the_numbers() -> None:
    sample = comparison([10, 90, 30, 4], [40, 50, 60, 0.5], partial=True, forecasts=(30, 60))
    root = drawn(sample)
    titles = {each.get("id"): each.text for each in root if each.tag in ("title", "desc")}
    assert titles == {
        "chart-title": "Search interest in tea and coffee, with forecast",
        "chart-desc": "Weekly from 5 January 2020 to 26 January 2020, which is incomplete, in points from 0 to 100. "
        "tea: 30 on 19 January 2020, lowest 10, highest 90 on 12 January 2020; 4 so far in the incomplete period. "
        "coffee: 60 on 19 January 2020, lowest 40, highest 60 on 19 January 2020; <1 so far in the incomplete period. "
        "Forecast for tea on 19 April 2020: 30, 8 of 10 outcomes from 20 to 40, 19 of 20 from 10 to 50. "
        "Forecast for coffee on 19 April 2020: 60, 8 of 10 outcomes from 50 to 70, 19 of 20 from 40 to 80.",
    }


def test_ids_of_two_charts_on_a_page_differ() -> None:
    sample = five_year_comparison()
    ids = [
        each.attrib["id"]
        for id_ in ("wide", "narrow")
        for each in parse(comparison_chart(sample, id_=id_)).iter()
        if "id" in each.attrib
    ]
    assert len(ids) == len(set(ids)) == 6


def test_five_years_with_bands_are_small() -> None:
    chart = comparison_chart(five_year_comparison(), id_="chart").encode()
    assert len(chart) <= 14_000
    assert len(gzip.compress(chart, compresslevel=6)) <= 5_000


def test_values_that_do_not_fit_their_dates_are_refused() -> None:
    with pytest.raises(ValueError, match="term b has 1 values for 3 dates"):
        comparison([1, 2, 3], [1])
    with pytest.raises(ValueError, match="complete period"):
        comparison([1], [1], partial=True)
    with pytest.raises(ValueError, match="horizon"):
        comparison([1, 2], [1, 2], horizon=0)
