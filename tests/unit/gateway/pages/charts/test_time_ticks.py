from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.pages.charts.drawing.scale import Scale
from services.gateway.pages.charts.drawing.time_ticks import Tick, time_ticks
from services.gateway.pages.charts.drawing.times import DAY, epoch_seconds

HOUR = 3_600
WEEK = 7 * DAY
MONTH = 30 * DAY


def ticks_of(first: str, last: str, *, shortest: int = WEEK, pixels: float = 900) -> tuple[Tick, ...]:
    scale = Scale(epoch_seconds(first), epoch_seconds(last), 36, 36 + pixels)
    return time_ticks(scale, 12.5, shortest=shortest, width=pixels + 100)


def labels_of(first: str, last: str, *, shortest: int = WEEK, pixels: float = 900) -> list[str]:
    return [tick.label for tick in ticks_of(first, last, shortest=shortest, pixels=pixels)]


def test_two_decades_have_ticks_at_every_second_year() -> None:
    assert labels_of("2004-01-01", "2023-07-01", shortest=MONTH)[:3] == ["2004", "2006", "2008"]


def test_five_years_have_ticks_at_half_years_with_the_year_at_january() -> None:
    assert labels_of("2021-11-28", "2027-05-16")[:4] == ["2022", "Jul", "2023", "Jul"]


def test_months_without_a_january_name_the_year_once() -> None:
    assert labels_of("2026-02-01", "2026-09-01") == ["Feb 2026", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep"]


def test_days_are_counted_from_the_first_one() -> None:
    assert labels_of("2025-12-20", "2026-01-08", shortest=DAY)[:4] == ["20 Dec 2025", "22 Dec", "24 Dec", "26 Dec"]
    assert "1 Jan 2026" in labels_of("2025-12-20", "2026-01-08", shortest=DAY)


def test_hours_name_the_day_at_midnight() -> None:
    labels = labels_of("2026-11-22T00:00:00Z", "2026-11-23T12:00:00Z", shortest=HOUR)
    assert labels[:2] == ["22 Nov", "03:00"]
    assert "23 Nov" in labels


def test_no_tick_is_finer_than_the_data() -> None:
    assert labels_of("2026-01-01", "2026-03-01", shortest=MONTH) == ["2026", "Feb", "Mar"]


def test_values_of_a_tick_are_where_the_scale_puts_them() -> None:
    [first, *_] = ticks_of("2021-11-28", "2027-05-16")
    scale = Scale(epoch_seconds("2021-11-28"), epoch_seconds("2027-05-16"), 36, 936)
    assert first.x == scale(epoch_seconds("2022-01-01"))


@given(
    st.integers(0, 4 * 10**9),
    st.sampled_from((HOUR, DAY, WEEK, MONTH)),
    st.integers(3, 5200),
    st.sampled_from((180.0, 400.0, 900.0)),
)
def test_labels_neither_overlap_nor_leave_the_picture(start: int, step: int, count: int, pixels: float) -> None:
    scale = Scale(start, start + count * step, 36, 36 + pixels)
    ticks = time_ticks(scale, 12.5, shortest=step, width=pixels + 100)
    assert all(one.right < other.left for one, other in pairwise(ticks))
    assert all(tick.left >= 0 and tick.right <= pixels + 100 for tick in ticks)


@pytest.mark.parametrize("pixels", [180, 400, 900])
@pytest.mark.parametrize(("step", "count"), [(HOUR, 216), (DAY, 45), (DAY, 104), (WEEK, 65), (WEEK, 286), (MONTH, 250)])
def test_every_timeframe_has_at_least_two_ticks(step: int, count: int, pixels: float) -> None:
    start = epoch_seconds("2026-11-22")
    scale = Scale(start, start + count * step, 36, 36 + pixels)
    assert len(time_ticks(scale, 12.5, shortest=step, width=pixels + 100)) >= 2
