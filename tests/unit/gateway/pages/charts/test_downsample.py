from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.pages.charts.drawing.downsample import MAX_POINTS, downsample

LIMIT = 30
values = st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=LIMIT + 1, max_size=150)


def test_short_series_are_kept_whole() -> None:
    assert downsample([1.0, None, 2.0]) == [0, 1, 2]
    assert downsample([1.0] * MAX_POINTS) == list(range(MAX_POINTS))


@given(values)
def test_the_limit_holds_and_the_ends_stay(series: list[float | None]) -> None:
    kept = downsample(series, LIMIT)
    assert len(kept) <= LIMIT
    assert kept == sorted(set(kept))
    assert kept[0] == 0
    assert kept[-1] == len(series) - 1


@given(values)
def test_the_extremes_stay(series: list[float | None]) -> None:
    known = [value for value in series if value is not None]
    kept = [value for index in downsample(series, LIMIT) if (value := series[index]) is not None]
    if known:
        assert (min(kept), max(kept)) == (min(known), max(known))


def test_a_single_spike_stays() -> None:
    series = [10.0] * 5000
    assert len(downsample(series)) <= MAX_POINTS
    series[3217] = 100.0
    series[3218] = 0.0
    assert {3217, 3218} <= set(downsample(series))


@given(st.integers(1, 4000), st.integers(1, 400))
def test_no_line_is_drawn_across_a_gap(start: int, length: int) -> None:
    series: list[float | None] = [50.0 + index % 7 for index in range(5000)]
    series[start : start + length] = [None] * length
    kept = downsample(series)
    last_before = max(index for index in kept if index < start)
    first_after = min(index for index in kept if index >= start + length)
    assert any(series[index] is None for index in kept if last_before < index < first_after)
