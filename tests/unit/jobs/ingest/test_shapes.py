"""Files of other tools: counter columns, the long format, too many points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.common.errors import WarmcastError
from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.limits import MAX_POINTS
from services.jobs.ingest.points import read_points
from services.jobs.ingest.table import Table
from tests.unit.jobs.ingest.test_snapshot import build

WEEKS = ("2024-01-07", "2024-01-14", "2024-01-21")
LONG = '"","date","hits","keyword","geo","time","gprop","category"'


def read(*lines: str, name: str = "export.csv") -> Table:
    return read_trends_csv("\n".join(lines).encode(), name)


def long_format(geo: str = "US", gprop: str = "web") -> list[str]:
    rows = [(week, term, hits) for term, hits in (("tea", "1"), ("coffee", "<1")) for week in WEEKS]
    return [
        f'"{at}",{week},"{hits}","{term}","{geo}","today 12-m","{gprop}",0'
        for at, (week, term, hits) in enumerate(rows, start=1)
    ]


@pytest.mark.parametrize("header", [",date,tea,coffee,isPartial", "Unnamed: 0,date,tea,coffee,isPartial"])
@pytest.mark.parametrize("first", [0, 1, 9])
def test_a_counter_column_before_the_dates_is_dropped(header: str, first: int) -> None:
    table = read(header, *(f"{at},{week},{at},2,False" for at, week in enumerate(WEEKS, start=first)))
    assert (table.terms, table.columns) == (("tea", "coffee"), ((first, first + 1, first + 2), (2, 2, 2)))
    assert dict(table.cleaned) == {"counter column dropped": 1, "isPartial column dropped": 1}


@pytest.mark.parametrize("heading", ["id", "#", "No.", "Nr"])
@pytest.mark.parametrize("tail", ["", ".0"])
def test_a_counter_column_may_have_a_heading(heading: str, tail: str) -> None:
    table = read(f"{heading},date,tea,coffee", *(f"{at}{tail},{week},{at},2" for at, week in enumerate(WEEKS)))
    assert (table.terms, table.columns) == (("tea", "coffee"), ((0, 1, 2), (2, 2, 2)))


def test_row_names_of_r_without_a_heading_are_dropped() -> None:
    rows = [f'"{at}",{week},{at},2' for at, week in enumerate(WEEKS, start=1)]
    table = read('"date","tea","coffee"', *rows)
    assert (table.terms, table.columns) == (("tea", "coffee"), ((1, 2, 3), (2, 2, 2)))
    with pytest.raises(WarmcastError, match="the dates are in the second column"):
        read('"date","tea","coffee"', *reversed(rows))


def test_the_index_name_row_of_pandas_is_ignored() -> None:
    table = read(",tea,coffee", "date,,", *(f"{week},{at},2" for at, week in enumerate(WEEKS)))
    assert (table.terms, table.columns) == (("tea", "coffee"), ((0, 1, 2), (2, 2, 2)))


def test_a_formula_that_holds_a_text_is_read_as_the_text() -> None:
    table = read('="Week",="tea",="coffee"', *(f'="{week}",="{at}",2' for at, week in enumerate(WEEKS)))
    assert (table.terms, table.columns) == (("tea", "coffee"), ((0, 1, 2), (2, 2, 2)))


@pytest.mark.parametrize("heading", ["is_partial", "Is Partial", "isPartial_x", "isPartial.1", "isPartial"])
def test_is_partial_has_several_spellings(heading: str) -> None:
    table = read(f"date,tea,isPartial,coffee,{heading}", *(f"{week},1,False,2,{week == WEEKS[2]}" for week in WEEKS))
    assert (table.terms, table.partial_last) == (("tea", "coffee"), True)


def test_a_counter_column_may_have_gaps() -> None:
    assert read(",date,tea,coffee", *(f"{at},{week},1,2" for at, week in zip((7, 3, 12), WEEKS, strict=True))).terms


@pytest.mark.parametrize("header", ["tea,date,coffee,milk", ",date,tea,coffee"])
def test_another_column_before_the_dates_is_refused(header: str) -> None:
    first = 0 if header.startswith("tea") else 0.5
    with pytest.raises(WarmcastError, match=r"the dates are in the second column, after “(tea)?”; move them to the"):
        read(header, *(f"{first + at},{week},1,2" for at, week in enumerate(WEEKS)))


@pytest.mark.parametrize("numbered", [True, False])
def test_the_long_format_of_gtrends_r_is_parsed(numbered: bool) -> None:
    lines = [LONG, *long_format()]
    table = read(*(lines if numbered else [line.split(",", 1)[1] for line in lines]))
    assert (table.terms, table.geo, len(table.times)) == (("tea", "coffee"), "US", 3)
    assert table.columns == ((1, 1, 1), (0.5, 0.5, 0.5))
    assert build(read(LONG, *long_format("world"))).geo == ""


def test_two_of_several_keywords_are_picked_from_the_long_format() -> None:
    more = [f'"{at}",{week},"101","sum","US","today 12-m","web",0' for at, week in enumerate(WEEKS, start=7)]
    content = "\n".join([LONG, *long_format(), *more]).encode()
    assert read_trends_csv(content, "long.csv", pick=("coffee", "tea")).terms == ("tea", "coffee")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([*long_format()[:3], *long_format("CA")[3:]], "more than one geo, “US” and “CA”"),
        ([*long_format()[:3], *long_format(gprop="youtube")[3:]], "more than one gprop, “web” and “youtube”"),
        ([*long_format(), long_format()[5].replace('"6"', '"7"')], "line 8 repeats “2024-01-21” for “coffee”"),
        ([line.rpartition(",")[0] for line in long_format()], "line 2 has 6 cells where the header has 7"),
    ],
)
def test_a_long_format_with_several_places_or_duplicates_is_refused(lines: list[str], why: str) -> None:
    with pytest.raises(WarmcastError, match=why):
        read(LONG, *lines)


def test_the_newest_of_too_many_points_are_kept_and_the_rest_reported() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=at) for at in range(MAX_POINTS + 2)]
    table = read("Time,tea,coffee", "2023-12-31T23,broken,", *(f"{hour:%Y-%m-%dT%H},1,2" for hour in hours))
    assert (len(table.times), table.times[0], table.times[-1]) == (MAX_POINTS, hours[2], hours[-1])
    assert dict(table.cleaned) == {"period before the newest 5,000 dropped": 3}
    points = read_points(("tea", "coffee"), [(hour.isoformat(), [1, 2]) for hour in hours])
    assert (len(points.times), points.times[0]) == (MAX_POINTS, hours[2])
    assert dict(points.cleaned) == {"period before the newest 5,000 dropped": 2}


def test_filled_periods_count_among_the_newest() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=at) for at in range(MAX_POINTS + 1) if at not in (1, 3_000)]
    table = read("Time,tea,coffee", *(f"{hour:%Y-%m-%dT%H},{at % 7},2" for at, hour in enumerate(hours)))
    # The first of the newest periods has no date, so it is dropped too.
    assert (len(table.times), table.times[0]) == (MAX_POINTS - 1, start + timedelta(hours=2))
    assert dict(table.cleaned) == {"missing period filled": 1, "period before the newest 5,000 dropped": 2}
