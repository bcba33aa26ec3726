"""Points from JSON: invalid ones are refused with their number, valid ones are unchanged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.comparison import Step
from services.common.errors import TOO_LARGE, WarmcastError
from services.jobs.ingest.limits import MAX_LINES
from services.jobs.ingest.points import read_points

Points = list[tuple[str, list[float]]]
SOUND: Points = [("2024-01-01", [1, 2]), ("2024-01-02", [3, 4]), ("2024-01-03", [5, 6])]


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([], "holds 0 points"),
        (SOUND[:1], "holds 1 point;"),
        (SOUND[:2], "holds 2 points"),
        ([*SOUND, ("2024-01-03", [1, 1])], "duplicate dates: point 3 and point 4"),
        ([*SOUND, ("2024-01-02", [1, 1])], "unsorted dates: point 4"),
        ([*SOUND, ("01/04/2024", [1, 1])], "point 4: “01/04/2024” is not a date"),
        ([*SOUND, ("", [1, 1])], "point 4: “” is not a date"),
        ([*SOUND, ("2024-01-04", [float("nan"), 1])], "point 4, “tea”: nan is not a finite number"),
        ([*SOUND, ("2024-01-04", [1, float("inf")])], "point 4, “coffee”: inf is not a finite number"),
        ([*SOUND, ("2024-01-04", [1, -0.5])], "point 4, “coffee”: -0.5 is negative"),
        ([*SOUND, ("2024-01-04", [101, 1])], "point 4, “tea”: 101 is above 100"),
        ([*SOUND, ("2024-01-04", [1])], "point 4 has 1 values"),
        ([*SOUND, ("2024-01-14", [1, 1])], "10 days are missing before point 4"),
        ([("2024-01-01", [1, 1]), ("2024-01-03", [1, 1]), ("2024-01-08", [1, 1])], "is 2 days; dates must be"),
    ],
)
def test_invalid_points_are_refused_with_their_number(points: Points, why: str) -> None:
    with pytest.raises(WarmcastError, match=why) as refusal:
        read_points(("tea", "coffee"), points)
    assert refusal.value.reason.http_status == 400
    assert [field for field, _ in refusal.value.fields] == ["points"]


@pytest.mark.parametrize(
    "dates",
    [
        ["2024-03-30T00:00:00+01:00", "2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"],  # summer time begins
        ["2024-03-30T00:00:00-08:00", "2024-03-31T00:00:00-08:00", "2024-04-01T00:00:00-07:00"],
        ["2024-03-30T23:00-08:00", "2024-03-31T23:00-08:00", "2024-04-01T23:00-08:00"],
        ["2024-03-30T12:00Z", "2024-03-31T12:00Z", "2024-04-01T12:00Z"],
    ],
)
def test_the_dates_of_days_are_kept_as_written(dates: list[str]) -> None:
    table = read_points(("tea", "coffee"), [(date, [1, 2]) for date in dates])
    assert table.step is Step.DAILY
    assert [time.isoformat()[:16] for time in table.times] == [
        "2024-03-30T00:00",
        "2024-03-31T00:00",
        "2024-04-01T00:00",
    ]


def test_hours_with_offsets_are_converted_to_utc() -> None:
    hours = ["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00", "2024-03-31T02:00Z"]
    table = read_points(("tea", "coffee"), [(hour, [1, 2]) for hour in hours])
    assert [time.hour for time in table.times] == [0, 1, 2]
    assert {time.tzinfo for time in table.times} == {UTC}


@pytest.mark.parametrize("terms", [[], ["tea"], ["tea", "Tea "], ["a", "b", "c"], ["tea", ""], ["tea", "a vs b"]])
def test_two_distinct_terms_are_needed(terms: list[str]) -> None:
    with pytest.raises(WarmcastError, match="term") as refusal:
        read_points(terms, SOUND)
    assert refusal.value.fields[0][0] in ("term", "terms")


def test_too_many_points_are_too_large() -> None:
    with pytest.raises(WarmcastError) as refusal:
        read_points(("tea", "coffee"), SOUND * (MAX_LINES // len(SOUND) + 1))
    assert refusal.value.reason is TOO_LARGE


def test_a_missing_period_is_filled_and_counted() -> None:
    table = read_points(("tea", "coffee"), [SOUND[0], SOUND[1], ("2024-01-04", [7, 4])])
    assert table.columns == ((1, 3, 5, 7), (2, 4, 4, 4))
    assert dict(table.cleaned) == {"missing period filled": 1}


def test_offsets_are_converted_to_utc() -> None:
    hours: Points = [(f"2024-01-01T{hour:02}:00:00+02:00", [1, 2]) for hour in range(3)]
    assert read_points(("tea", "coffee"), hours).times[0] == datetime(2023, 12, 31, 22, tzinfo=UTC)


@given(
    st.dates(date(2004, 1, 1), date(2030, 1, 1)),
    st.sampled_from([(Step.HOURLY, 1), (Step.DAILY, 24), (Step.WEEKLY, 168)]),
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=3, max_size=40),
)
def test_valid_points_are_returned_unchanged(
    first: date, step: tuple[Step, int], values: list[tuple[float, float]]
) -> None:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    times = [start + timedelta(hours=step[1] * at) for at in range(len(values))]
    points = [(time.isoformat(), pair) for time, pair in zip(times, values, strict=True)]
    table = read_points(("tea", "coffee"), points)
    assert (table.step, list(table.times)) == (step[0], times)
    assert table.columns == tuple(tuple(round(pair[at], 4) for pair in values) for at in (0, 1))


_DATES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["2024-01-01", "2024-01-02", "2024-01-03", "0001-01-01T00:00:00+23:59", "9999-12-31"]),
)


@settings(deadline=None)  # the first one loads tables
@given(
    st.lists(st.text(max_size=5), max_size=3),
    st.lists(st.tuples(_DATES, st.lists(st.floats(), max_size=3)), max_size=6),
)
def test_any_points_give_a_table_or_a_named_error(terms: list[str], points: Points) -> None:
    for tried in (terms, ("tea", "coffee")):
        try:
            table = read_points(tried, points)
        except WarmcastError:
            continue
        assert len(table.times) >= 3
