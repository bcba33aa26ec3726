"""The periods of the rows of a file: month ends, clock changes, rows in either direction."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.common.comparison import Step
from services.common.errors import WarmcastError
from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.points import read_points
from services.jobs.ingest.snapshot import build_snapshot
from services.jobs.ingest.table import Table


def read(*rows: str, header: str = "Week,tea,coffee") -> Table:
    return read_trends_csv("\n".join((header, *rows)).encode(), "export.csv")


def dated(*dates: str) -> Table:
    return read(*(f"{date},{at},1" for at, date in enumerate(dates)))


@pytest.mark.parametrize(
    "dates",
    [
        ("2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"),
        ("31.01.2024", "29.02.2024", "31.03.2024", "30.04.2024"),
        ("1/31/2024", "2/29/2024", "3/31/2024", "4/30/2024"),
        ("2024-01-31 23:59:59", "2024-02-29 23:59:59", "2024-03-31 23:59:59", "2024-04-30 23:59:59"),
        tuple(f"2024-{day}T23:59:59.999Z" for day in ("01-31", "02-29", "03-31", "04-30")),
        ("30 Apr 2024", "31 Mar 2024", "29 Feb 2024", "31 Jan 2024"),
    ],
)
def test_dates_at_month_ends_are_monthly(dates: tuple[str, ...]) -> None:
    table = dated(*dates)
    assert table.step is Step.MONTHLY
    assert [time.date() for time in table.times] == [date(2024, month, 1) for month in range(1, 5)]
    assert table.cleaned["end of a month read as its month"] == 4


def test_a_missing_end_of_a_month_is_filled() -> None:
    table = dated("2024-01-31", "2024-02-29", "2024-04-30", "2024-05-31")
    assert table.columns[0] == (0, 1, 1.5, 2, 3)
    assert table.cleaned["missing period filled"] == 1


def test_a_month_is_partial_until_its_last_day_is_over() -> None:
    table = dated("2024-01-31", "2024-02-29", "2024-03-31")
    for as_of, partial in ((datetime(2024, 3, 31, 12, tzinfo=UTC), True), (datetime(2024, 4, 1, tzinfo=UTC), False)):
        snapshot = build_snapshot(
            [table], timeframe="", geo="", pick=(), as_of=as_of, source="test", expected_terms=None
        )
        assert (snapshot.timeframe, snapshot.partial_last_period) == ("all", partial)


@pytest.mark.parametrize(
    "dates",
    [
        (
            "2024-01-31T23:00:00Z",
            "2024-02-29T23:00:00Z",
            "2024-03-31T23:00:00Z",
        ),  # the first of a month in zones further east
        ("2024-01-30", "2024-02-29", "2024-03-30"),
        ("2024-03-31", "2024-06-30", "2024-09-30"),
    ],
)
def test_other_days_of_months_are_not_month_ends(dates: tuple[str, ...]) -> None:
    with pytest.raises(WarmcastError, match="no regular step"):
        dated(*dates)


def test_yearly_dates_are_refused_with_the_dates_as_written() -> None:
    with pytest.raises(WarmcastError, match="no regular step: 2023-12-31 to 2024-12-31"):
        dated("2022-12-31", "2023-12-31", "2024-12-31")


@pytest.mark.parametrize("weekday", range(7))
def test_weeks_may_begin_on_any_day(weekday: int) -> None:
    days = [date(2024, 1, 1) + timedelta(weekday + 7 * week) for week in range(4)]
    table = dated(*map(str, days))
    assert (table.step, [time.date() for time in table.times]) == (Step.WEEKLY, days)


def _local_hours(zone: str, first: str, count: int) -> list[str]:
    start = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    hours = [(start + timedelta(hours=at)).astimezone(ZoneInfo(zone)) for at in range(count)]
    return [f"{hour:%Y-%m-%dT%H:%M:%S}" for hour in hours]


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("America/New_York", "2024-11-02T20:00"),
        ("Europe/Berlin", "2024-10-26T20:00"),
        ("Australia/Sydney", "2024-04-06T20:00"),
        ("America/Havana", "2024-11-02T20:00"),  # at midnight
    ],
)
@pytest.mark.parametrize("newest_first", [False, True])
def test_an_hour_that_clocks_repeat_is_kept_once(zone: str, first: str, newest_first: bool) -> None:
    hours = _local_hours(zone, first, 30)
    table = dated(*(reversed(hours) if newest_first else hours))
    assert table.step is Step.HOURLY
    assert (len(table.times), table.cleaned["hour that clocks repeat kept once"]) == (29, 1)
    assert table.times[-1] - table.times[0] == timedelta(hours=28)


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("America/New_York", "2024-03-09T20:00"),
        ("Europe/London", "2024-03-30T20:00"),
        ("Asia/Beirut", "2024-03-30T20:00"),  # at midnight
    ],
)
def test_an_hour_that_clocks_skip_is_not_a_gap(zone: str, first: str) -> None:
    table = dated(*_local_hours(zone, first, 30))
    assert (table.step, len(table.times), dict(table.cleaned)) == (Step.HOURLY, 31, {"hour that clocks skip filled": 1})
    snapshot = build_snapshot(
        [table], timeframe="", geo="", pick=(), as_of=table.times[-1], source="test", expected_terms=None
    )
    assert not snapshot.gaps_filled


@pytest.mark.parametrize(
    "hours",
    [
        ("2024-11-04T00", "2024-11-04T01", "2024-11-04T01", "2024-11-04T02"),  # no clock changed that night
        ("2024-11-03T00Z", "2024-11-03T01Z", "2024-11-03T01Z", "2024-11-03T02Z"),  # not in UTC
        ("2024-11-03T00", "2024-11-03T01", "2024-11-03T01", "2024-11-03T01", "2024-11-03T02"),
    ],
)
def test_a_duplicate_hour_without_a_clock_change_is_refused_with_a_remedy(hours: tuple[str, ...]) -> None:
    cells = [f"{hour[:13]}:00{hour[13:]}" for hour in hours]
    with pytest.raises(WarmcastError, match=r"duplicate dates: line 3 and line 4 .*write hours with their offset"):
        dated(*cells)


def test_many_hours_near_clock_changes_take_bounded_time() -> None:
    days = [date(2025, 1, 1) + timedelta(at) for at in range(320)]
    twice = [f"{day} {hour:02}:00" for day in days for hour in range(24) for _ in range(2)]
    gaps = [f"{day} {hour:02}:00" for day in days for hour in range(24) if hour != 2]
    began = time.process_time()
    with pytest.raises(WarmcastError, match="duplicate dates"):
        dated(*twice)
    assert read(*(f"{hour},1,2" for hour in gaps)).cleaned["missing period filled"] > 200
    assert time.process_time() - began < 5


def test_a_duplicate_day_is_refused_also_where_clocks_change() -> None:
    with pytest.raises(WarmcastError, match="duplicate dates"):
        dated("2024-11-02", "2024-11-03", "2024-11-03", "2024-11-04")


def test_hours_with_offsets_are_exact_where_clocks_change() -> None:
    table = dated(
        "2024-11-03T00:00-04:00", "2024-11-03T01:00-04:00", "2024-11-03T01:00-05:00", "2024-11-03T02:00-05:00"
    )
    assert (table.step, len(table.times), dict(table.cleaned)) == (Step.HOURLY, 4, {})


def test_rows_from_newest_to_oldest_are_reversed() -> None:
    newest_first = read("2025-01-19,3,<1", "2025-01-12,2,5", "2025-01-05,1,6")
    assert newest_first.columns == ((1, 2, 3), (6, 5, 0.5))
    assert dict(newest_first.cleaned) == {"rows from newest to oldest reversed": 1}


@pytest.mark.parametrize("nothing", ["", "NaN", "NA", "null"])
def test_empty_rows_at_the_ends_are_dropped_and_counted(nothing: str) -> None:
    empty = f"{nothing},{nothing}"
    table = read(
        "2025-01-05,1,2", "2025-01-12,3,4", f"2025-01-19,{nothing},6", "2025-01-26,7,8", f"2025-02-02,{empty}", ",,"
    )
    assert table.columns == ((1, 3, 5, 7), (2, 4, 6, 8))
    assert dict(table.cleaned) == {"empty row before or after the series dropped": 1}
    assert table.cleaned_by_term == ({"empty cell filled": 1}, {})
    assert len(read("2025-01-05,1,2", "2025-01-12,3,4", "2025-01-19,5,6", "2025-01-26,", "2025-02-02").times) == 3
    assert read(f"2025-01-05,{empty}", "2025-01-12,1,2", "2025-01-19,3,4", "2025-01-26,5,6").times[0].day == 12


@pytest.mark.parametrize(
    "note",
    [
        "Source: Google Trends",
        '"Source: Google Trends, retrieved in March"',
        "Source: Google Trends, retrieved on 1 March 2025",
        "Source: Google Trends, 2025",
        "* partial,,",
        "\nSource: Google Trends",
    ],
)
def test_a_note_after_the_data_is_ignored_and_counted(note: str) -> None:
    table = read("2025-01-05,1,2", "2025-01-12,3,4", "2025-01-19,5,6", note)
    assert len(table.times) == 3
    assert dict(table.cleaned) == {"line after the series ignored": 1}


@pytest.mark.parametrize("word", ["True", "TRUE", "WAHR", "vrai", "VERDADERO", "ИСТИНА", "ADEVĂRAT", "1", "1.0", "1,0"])
def test_the_partial_flag_is_read_in_each_spelling(word: str) -> None:
    no = {"WAHR": "FALSCH", "1": "0", "1.0": "0.0", "vrai": "faux"}.get(word, "")
    rows = [f'2025-01-{day:02},{day},2,"{flag}"' for day, flag in ((5, no), (12, no), (19, word))]
    assert read(*rows, header="date,tea,coffee,isPartial").partial_last
    assert read(*reversed(rows), header="date,tea,coffee,isPartial").partial_last
    rows[-1] = f'2025-01-19,19,2,"{no}"'
    assert not read(*rows, header="date,tea,coffee,isPartial").partial_last


def test_an_unknown_partial_flag_is_refused() -> None:
    rows = [f"2025-01-{day:02},{day},2,perhaps" for day in (5, 12, 19)]
    with pytest.raises(WarmcastError, match="line 2, column “isPartial”: “perhaps” is neither true nor false"):
        read(*rows, header="date,tea,coffee,isPartial")


def test_points_and_rows_are_cleaned_alike() -> None:
    points: list[tuple[str, list[float | None]]] = [
        ("1737849600", [None, None]),
        ("1737244800", [5, 6]),
        ("1736640000", [None, 4]),
        ("1736035200", [1, 2]),
    ]
    table = read_points(("tea", "coffee"), points)
    assert [time.date() for time in table.times] == [date(2025, 1, 5), date(2025, 1, 12), date(2025, 1, 19)]
    assert table.columns == ((1, 3, 5), (2, 4, 6))
    assert dict(table.cleaned) == {
        "empty row before or after the series dropped": 1,
        "rows from newest to oldest reversed": 1,
    }
    assert table.cleaned_by_term == ({"empty cell filled": 1}, {})
