"""Variants of exports as small files, and refusals with their reasons."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.comparison import Step
from services.common.errors import TOO_LARGE, WarmcastError
from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.limits import MAX_BYTES, MAX_LINES, MAX_POINTS
from services.jobs.ingest.places import codes_of
from services.jobs.ingest.table import Table
from tests.paths import FIXTURES

TRENDS = FIXTURES / "trends"


def read(name: str) -> Table:
    return read_trends_csv((TRENDS / name).read_bytes(), name)


def lines(*rows: str) -> bytes:
    return "\n".join(("Week,tea,coffee", *rows)).encode()


@pytest.mark.parametrize(
    ("name", "terms", "geo", "grid", "columns"),
    [
        ("preamble.csv", ("tea", "coffee"), "US", (Step.WEEKLY, "2024-01-07"), ((40, 0.5, 42, 43), (60, 61, 62, 100))),
        ("bom_crlf_no_newline.csv", ("té", "café"), "", (Step.WEEKLY, "2024-01-07"), ((40, 41, 42), (60, 61, 62))),
        ("japanese_monthly.csv", ("紅茶", "緑茶"), "", (Step.MONTHLY, "2024-01-01"), ((5, 7, 9), (6, 8, 10))),
        (
            "semicolon_decimal_comma.csv",
            ("Tee", "Kaffee"),
            None,
            (Step.DAILY, "2023-01-13"),
            ((36.5, 0.25, 7), (0, 100, 27)),
        ),
        ("hourly.csv", ("tea", "coffee"), "CA", (Step.HOURLY, "2024-01-01T22"), ((1, 3, 5, 7), (2, 4, 6, 8))),
        ("pytrends.csv", ("tea", "coffee"), None, (Step.WEEKLY, "2024-01-07"), ((1, 3, 5), (2, 4, 6))),
        (
            "free_preamble.csv",
            ("tea", "coffee"),
            None,
            (Step.WEEKLY, "2024-03-03"),
            ((28.85, 25.2, 100), (11.1, 9.45, 16.67)),
        ),
        ("one_term_old_mac.csv", ("tea",), None, (Step.MONTHLY, "2004-11-01"), ((29.023, 33.6, 35),)),
        (
            "quoted_terms.csv",
            ('"tea, green"', '"tea" & "milk"'),
            "BR",
            (Step.WEEKLY, "2024-01-07"),
            ((1, 3, 5), (2, 4, 6)),
        ),
        ("old_export_sections.csv", ("tea", "coffee"), None, (Step.WEEKLY, "2004-01-04"), ((1, 3, 5), (2, 4, 6))),
        ("windows_1252.csv", ("thé", "café"), "FR", (Step.WEEKLY, "2024-01-07"), ((1, 3, 5), (2, 4, 6))),
        (
            "three_terms.csv",
            ("tea", "coffee", "milk"),
            "",
            (Step.DAILY, "2024-01-01"),
            ((1, 3, 5), (2, 4, 6), (3, 0.5, 7)),
        ),
        ("ambiguous_place.csv", ("tea", "coffee"), None, (Step.DAILY, "2024-01-01"), ((1, 3, 5), (2, 4, 6))),
    ],
)
def test_each_export_is_parsed(
    name: str, terms: tuple[str, ...], geo: str | None, grid: tuple[Step, str], columns: tuple[tuple[float, ...], ...]
) -> None:
    table = read(name)
    step, first = grid
    assert (table.terms, table.geo, table.step, table.columns) == (terms, geo, step, columns)
    assert table.times[0] == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert len(table.times) == len(columns[0])


@pytest.mark.parametrize(
    ("name", "cleaned", "by_term"),
    [
        ("preamble.csv", {}, [{"below one read as half": 1}, {}]),
        ("pytrends.csv", {"isPartial column dropped": 1}, [{}, {}]),
        ("old_export_sections.csv", {"line after the series ignored": 2}, [{}, {}]),
        ("windows_1252.csv", {"text not in UTF-8 read as Windows-1252": 1}, [{}, {}]),
        ("gaps.csv", {"missing period filled": 1}, [{"empty cell filled": 1}, {}]),
    ],
)
def test_what_was_cleaned_is_counted(name: str, cleaned: dict[str, int], by_term: list[dict[str, int]]) -> None:
    table = read(name)
    assert dict(table.cleaned) == cleaned
    assert [dict(counts) for counts in table.cleaned_by_term] == by_term


def test_days_with_an_offset_keep_their_dates() -> None:
    days = "\n".join(f"2024-03-{day}T00:00:00+0{1 + (day == 31)}:00,{day},1" for day in (29, 30, 31))
    table = read_trends_csv(f"Day,tea,coffee\n{days}".encode(), "berlin.csv")
    assert [time.isoformat() for time in table.times] == [f"2024-03-{day}T00:00:00+00:00" for day in (29, 30, 31)]


def test_short_gaps_are_filled_by_linear_interpolation() -> None:
    table = read("gaps.csv")
    assert table.columns[0][:5] == (10, 12, 14, 16, 18)
    assert table.columns[1][:5] == (20, 22, 24, 26, 28)
    assert len(table.times) == 21


@pytest.mark.parametrize("encoding", ["utf-32", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
def test_every_encoding_of_a_file_gives_the_same_table(encoding: str) -> None:
    text = (TRENDS / "preamble.csv").read_text("utf-8")
    assert read_trends_csv(text.encode(encoding), "preamble.csv") == read("preamble.csv")


@pytest.mark.parametrize(
    ("dates", "first", "step"),
    [
        (("1/20/24", "1/27/24", "2/3/24"), datetime(2024, 1, 20, tzinfo=UTC), Step.WEEKLY),
        (("03/04/2024", "10/04/2024", "17/04/2024"), datetime(2024, 4, 3, tzinfo=UTC), Step.WEEKLY),
        (("01.02.2024", "02.02.2024", "03.02.2024"), datetime(2024, 2, 1, tzinfo=UTC), Step.DAILY),
        (("2024/01/01", "2024/02/01", "2024/03/01"), datetime(2024, 1, 1, tzinfo=UTC), Step.MONTHLY),
        # Both orders are possible, but only one gives regular steps.
        (("1/2/2024", "1/9/2024", "1/16/2024"), datetime(2024, 1, 2, tzinfo=UTC), Step.WEEKLY),
        (("2/1/2024", "9/1/2024", "16/1/2024"), datetime(2024, 1, 2, tzinfo=UTC), Step.WEEKLY),
        (("12/11/2024", "12/12/2024", "12/13/2024"), datetime(2024, 12, 11, tzinfo=UTC), Step.DAILY),
        (("Jan 2024", "Feb 2024", "Mar 2024"), datetime(2024, 1, 1, tzinfo=UTC), Step.MONTHLY),
        (("4-Jan-15", "11-Jan-15", "18-Jan-15"), datetime(2015, 1, 4, tzinfo=UTC), Step.WEEKLY),
        (
            ("2024-01-01T05:00:00", "2024-01-01T06:00:00", "2024-01-01T07:00:00"),
            datetime(2024, 1, 1, 5, tzinfo=UTC),
            Step.HOURLY,
        ),
    ],
)
def test_the_form_of_dates_in_a_file_is_decided_by_the_whole_column(
    dates: tuple[str, ...], first: datetime, step: Step
) -> None:
    table = read_trends_csv(lines(*(f"{date},1,2" for date in dates)), "")
    assert (table.times[0], table.step, len(table.times)) == (first, step, 3)


WEEKS = ("2024-01-07,1,2", "2024-01-14,3,4", "2024-01-21,5,6")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"PK\x03\x04\x00\x00", "not a CSV file"),
        (b"Week,a,b\n2024-01-07,1,\x00\n", "not a text file"),
        (b"Week,tea,coffee\nfoo,1,2\n", "has no dates"),
        (b"<html><body>Sign in</body></html>", "has no dates"),
        (b"Country,tea: (2024)\nIreland,100\n", "has no dates"),
        ("\n".join(WEEKS).encode(), "has no header"),
        (lines(*WEEKS[:2]), "holds 2 points"),
        (lines("2024-13-45,1,2", *WEEKS), "line 2: “2024-13-45” is not a date"),
        (lines("total,1,2", *WEEKS), "line 2: “total” is not a date"),
        (lines(*WEEKS, "total,1,2"), "line 5: “total” is not a date"),
        (lines(WEEKS[0], "soon,3,4", *WEEKS[1:]), "line 3: “soon” is not a date"),
        (lines(*WEEKS, "1/28/2024,7,8"), "line 5: “1/28/2024” is not a date of the same form"),
        (lines(*WEEKS, WEEKS[2]), "duplicate dates: line 4 and line 5"),
        (lines(WEEKS[1], WEEKS[2], WEEKS[0]), "unsorted dates: line 4"),
        (
            lines("2024-01-07,1,2", "2024-01-09,3,4", "2024-01-18,5,6"),
            "2024-01-09 to 2024-01-18 is 9 days, but the first step is 2 days",
        ),
        (lines("2024-01-07T00:00,1,2", "2024-01-07T00:08,3,4", "2024-01-07T00:16,5,6"), "is 8 minutes; dates must"),
        (lines(*WEEKS, "2024-02-25,1,1"), "4 weeks are missing before line 5"),
        (lines("2024-01-07,1,2", "2024-01-14,3,4", "2024-02-11,5,6"), "3 of 6"),
        (lines("1/1/2024,1,2", "1/2/2024,3,4", "1/3/2024,5,6"), "can be read as daily .* or as monthly"),
        (lines(*WEEKS, "2024-01-28,-5,1"), "line 5, column “tea”: “-5” is negative"),
        (lines(*WEEKS, "2024-01-28,1,NaN"), "column “coffee”: line 5 is empty"),
        (lines(*WEEKS, "2024-01-28,1,-inf"), "line 5, column “coffee”: “-inf” is not a finite number"),
        (lines(*WEEKS, "2024-01-28,100.1,1"), "line 5, column “tea”: “100.1” is above 100"),
        (lines(*WEEKS, "2024-01-28,1e400,1"), "not a finite number"),
        (lines(*WEEKS, "2024-01-28,many,1"), "“many” is not a number"),
        (lines(*WEEKS, "2024-01-28,1_0,1"), "“1_0” is not a number"),
        (lines(*WEEKS, "2024-01-28,,1"), "line 5 is empty"),
        (lines(*WEEKS, "2024-01-28,1"), "line 5 has 2 cells where the header has 3"),
        (lines(*WEEKS, "2024-01-28,1,2,3"), "line 5 has 4 cells where the header has 3"),
        (lines(*WEEKS).replace(b"coffee", b"TEA "), "one term twice"),
        (lines(*WEEKS).replace(b"coffee", b""), "column 3: a term is empty"),
        (lines(*WEEKS).replace(b"coffee", b"cats vs dogs"), "column 3: .*“vs” of its own"),
        (
            lines(*WEEKS).replace(b"tea,coffee", b"tea: (Canada),tea: (France)"),
            "different places, “Canada” and “France”",
        ),
        (lines(*WEEKS).replace(b"tea,coffee", b"isPartial,isPartial"), "names no term"),
    ],
)
def test_a_bad_file_is_refused_with_a_reason(content: bytes, why: str) -> None:
    with pytest.raises(WarmcastError, match=why) as refusal:
        read_trends_csv(content, "export.csv")
    assert refusal.value.reason.http_status == 400
    assert refusal.value.fields
    assert "“export.csv”" in refusal.value.detail


@pytest.mark.parametrize(
    "content",
    [
        b"x" * (MAX_BYTES + 1),
        ("Month,a\n" + "2024-01-01,1\n" * (MAX_LINES + 1)).encode(),
        b"\n" * 100_000 + b"x",
        ("Day," + ",".join(f"t{i}" for i in range(31)) + "\n" + ("2024-01-01" + ",1" * 31 + "\n") * 3).encode(),
    ],
)
def test_a_file_above_a_limit_is_refused_as_too_large(content: bytes) -> None:
    with pytest.raises(WarmcastError) as refusal:
        read_trends_csv(content, "big.csv")
    assert refusal.value.reason is TOO_LARGE


def test_the_longest_series_is_parsed() -> None:
    hours = [datetime.fromtimestamp(1_700_000_000 // 3600 * 3600 + 3600 * at, UTC) for at in range(MAX_POINTS)]
    table = read_trends_csv(lines(*(f"{hour:%Y-%m-%dT%H},1,2" for hour in hours)), "long.csv")
    assert len(table.times) == MAX_POINTS


@pytest.mark.parametrize(
    "content",
    [
        b'"' * MAX_BYTES,
        b"," * MAX_BYTES,
        b"1" * MAX_BYTES,
        b"2024-01-01," * 190_000,
        b":(" * 1_000_000,
        b"\xff\xfe" * 1_000_000,
    ],
)
def test_the_worst_bytes_take_bounded_time(content: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(WarmcastError):
        read_trends_csv(content[:MAX_BYTES], "worst.csv")
    assert time.monotonic() - started < 10


_FRAGMENTS = st.sampled_from(
    [
        "2024-01-07",
        "2024-01-14",
        "2024-01-21",
        "1/2/24",
        "Jan-04",
        ",",
        ";",
        "\t",
        "\n",
        "\r",
        '"',
        "<1",
        "5",
        "nan",
        "Week",
        "a",
        ": (",
        ")",
        "\ufeff",
        "é",
        "-",
        "\0",
    ]
)


@settings(max_examples=300, deadline=None)  # the first one loads tables
@given(st.one_of(st.binary(max_size=300), st.lists(_FRAGMENTS, max_size=40).map(lambda parts: "".join(parts).encode())))
def test_any_bytes_give_a_table_or_a_named_error(content: bytes) -> None:
    try:
        table = read_trends_csv(content, "fuzz.csv")
    except WarmcastError:
        return
    assert len(table.times) >= 3
    assert all(len(column) == len(table.times) for column in table.columns)
    assert all(0 <= value <= 100 for column in table.columns for value in column)


@pytest.mark.parametrize(
    ("place", "codes"),
    [
        ("Dünya Genelinde", {""}),
        ("ESTADOS UNIDOS", {"US"}),
        ("Україна", {"UA"}),
        ("Türkiye", {"TR"}),
        ("Myanmar (Burma)", {"MM"}),
        ("District of Columbia", {"US-DC"}),
        ("Georgia", {"GE", "US-GA"}),
        ("Atlantis", set()),
        ("", set()),
    ],
)
def test_places_have_their_iso_codes(place: str, codes: set[str]) -> None:
    assert codes_of(place) == codes
