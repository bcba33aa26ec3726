"""The place of a file: from its header, its name or the caller; and brackets that are no place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.common.comparison import parse_geo
from services.common.errors import WarmcastError
from services.jobs.domain.snapshot import ImportedSnapshot
from services.jobs.ingest.files.export_name import ExportName, read_export_name
from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.table import Table
from tests.unit.jobs.ingest.test_snapshot import build

ROWS = '\n"2025-03-16",1,2\n"2025-03-23",3,4\n"2025-03-30",5,6'
NEW_PAGE = f'"Time","tea","coffee"{ROWS}'.encode()
US = "time_series_US_20250101-0800_20250401-0337.csv"


def snapshot_of(
    header: str, name: str = "export.csv", *, geo: str | None = None, pick: tuple[str, ...] = ()
) -> ImportedSnapshot:
    table = read_trends_csv(f"{header}{ROWS}".encode(), name, pick=pick, geo=geo)
    return build(table, geo=geo, pick=pick, as_of=datetime(2025, 5, 1, tzinfo=UTC))


def new_page(name: str) -> Table:
    return read_trends_csv(NEW_PAGE, name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (US, ExportName("US", datetime(2025, 3, 31, 19, 37, tzinfo=UTC))),
        (
            "time_series_Worldwide_20031231-1600_20260606-1519.csv",
            ExportName("", datetime(2026, 6, 6, 15, 19, tzinfo=UTC)),
        ),
        (
            "time_series_US-NY-501_20230101-0000_20260921-1609-2.csv",
            ExportName("US-NY-501", datetime(2026, 9, 21, 16, 9, tzinfo=UTC)),
        ),
        (
            "my time_series_US-CA_20230101-0000_20260921-1609 (1).csv",
            ExportName("US-CA", datetime(2026, 9, 21, 16, 9, tzinfo=UTC)),
        ),
        # A range that ends at the time of the export, in an unknown zone; and a range of whole days.
        (
            "time_series_GB_20210410-1258_20260410-1258.csv",
            ExportName("GB", datetime(2026, 4, 10, 12, 58, tzinfo=UTC)),
        ),
        ("time_series_GB_20210410-0000_20220410-0000.csv", ExportName("GB", None)),
        (
            "time_series_Atlantis_20230101-0000_20260921-1609.csv",
            ExportName(None, datetime(2026, 9, 21, 16, 9, tzinfo=UTC)),
        ),
        ("time_series_US_20239999-0000_20260921-1609.csv", ExportName("US", None)),
        ("multiTimeline.csv", ExportName()),
        ("by_region_US_20250101-0800_20250401-0337.csv", ExportName()),
        ("", ExportName()),
    ],
)
def test_the_file_name_of_an_export_has_place_and_end(name: str, expected: ExportName) -> None:
    assert read_export_name(name) == expected


def test_the_place_of_an_export_of_the_new_page_is_in_its_name() -> None:
    snapshot = build(new_page(US), as_of=datetime(2025, 5, 1, tzinfo=UTC))
    assert (snapshot.geo, snapshot.geo_assumed, snapshot.terms) == ("US", False, ("coffee", "tea"))
    world = build(new_page(US.replace("US", "Worldwide")), as_of=datetime(2025, 5, 1, tzinfo=UTC))
    assert (world.geo, world.geo_assumed) == ("", False)


def test_without_a_file_name_the_place_is_assumed_and_reported() -> None:
    assert build(new_page("export.csv"), as_of=datetime(2025, 5, 1, tzinfo=UTC)).geo_assumed
    assert not snapshot_of("Week,tea,coffee", geo="").geo_assumed
    assert not snapshot_of("Week,tea: (Worldwide),coffee: (Worldwide)").geo_assumed


def test_the_place_in_the_header_takes_precedence_over_the_file_name() -> None:
    assert snapshot_of("Week,tea: (France),coffee: (France)", US).geo == "FR"
    assert snapshot_of("Week,tea: (Georgia),coffee: (Georgia)", US.replace("US", "US-GA")).geo == "US-GA"
    replaced = snapshot_of("Time,tea,coffee", US, geo="CA")
    assert (replaced.geo, replaced.cleaned) == ("CA", (("place in the file's name overruled by geo", 1),))


def test_two_files_of_different_places_by_name_are_refused() -> None:
    one, other, silent = (
        read_trends_csv(f"Time,{term}\n2025-03-16,1\n2025-03-23,3\n2025-03-30,5".encode(), name)
        for term, name in (("tea", US), ("coffee", US.replace("US", "CA")), ("milk", "milk.csv"))
    )
    with pytest.raises(WarmcastError, match=r"is of “US”, .* of “CA”; both must be of one place"):
        build(one, other, as_of=datetime(2025, 5, 1, tzinfo=UTC))
    joined = build(one, silent, as_of=datetime(2025, 5, 1, tzinfo=UTC))
    assert (joined.geo, joined.geo_assumed) == ("US", True)


@pytest.mark.parametrize("geo", ["US-NY-501", "us-ca-803", "US-NY", "US", ""])
def test_metro_area_codes_are_valid_geos(geo: str) -> None:
    assert parse_geo(geo) == geo.upper()


@pytest.mark.parametrize(
    "geo", ["US-NY-5", "US-NY-5011", "CA-ON-501", "US-NYC-501", "US-NY-501-1", "US-NY-ABC", "US-NY-٥٠١"]
)
def test_invalid_metro_area_codes_are_refused(geo: str) -> None:
    with pytest.raises(WarmcastError, match="US-NY-501"):
        parse_geo(geo)


def test_the_name_of_a_metro_area_is_refused_with_a_request_for_geo() -> None:
    with pytest.raises(WarmcastError, match="“New York NY”, which is not a known place; pass geo="):
        snapshot_of("Week,tea: (New York NY),coffee: (New York NY)")
    snapshot = snapshot_of("Week,tea: (New York NY),coffee: (New York NY)", geo="US-NY-501")
    assert (snapshot.slug, snapshot.geo) == ("coffee-vs-tea", "US-NY-501")
    assert snapshot.cleaned == (("unknown place in the header taken as geo", 1),)


@pytest.mark.parametrize(
    ("header", "terms"),
    [
        ("Dune: (film),Arrival", ("Arrival", "Dune: (film)")),
        ("Dune: (film),Dune: (book)", ("Dune: (book)", "Dune: (film)")),
        ("Dune: (film),Alien: (film)", ("Alien: (film)", "Dune: (film)")),
        ("Dune: (2021),Dune: (1984)", ("Dune: (1984)", "Dune: (2021)")),
        ("Dune: (film): (Canada),tea: (Canada)", ("Dune: (film)", "tea")),
        ("Dune: (film),tea: (Canada)", ("Dune: (film)", "tea")),
    ],
)
def test_brackets_without_a_place_stay_part_of_the_term(header: str, terms: tuple[str, str]) -> None:
    snapshot = snapshot_of(f"Week,{header}", geo="CA")
    assert (snapshot.terms, snapshot.geo) == (terms, "CA")
    assert not any("overruled" in what for what, _ in snapshot.cleaned)


def test_brackets_that_may_be_a_place_need_a_geo() -> None:
    with pytest.raises(WarmcastError, match="“film” in brackets, which is not a known place; pass geo="):
        snapshot_of("Week,Dune: (film),Arrival")
    with pytest.raises(WarmcastError, match=r"different places, “Film” and “Buch”.*pass term twice"):
        snapshot_of("Week,Dune: (Film),Dune: (Buch)", geo="DE")
    pick = ("Dune: (Film)", "Dune: (Buch)")
    assert snapshot_of("Week,Dune: (Film),Dune: (Buch)", geo="DE", pick=pick).terms == ("Dune: (Buch)", "Dune: (Film)")


def test_the_time_of_the_data_is_the_end_in_the_file_name() -> None:
    table = new_page(US)
    assert table.as_of == datetime(2025, 3, 31, 19, 37, tzinfo=UTC)
    assert table.as_of is not None
    assert build(table, as_of=table.as_of).partial_last_period
    early = new_page("time_series_US_20240101-0800_20240401-0337.csv")
    assert early.as_of is not None
    with pytest.raises(
        WarmcastError, match=r"is after the time of the data, .*, which is from the file's name; pass asOf"
    ):
        build(early, as_of=early.as_of)


@pytest.mark.parametrize(
    ("line", "geo"),
    [
        ("United States; 2004 - present", "US"),
        ("Estados Unidos; ene 2004 - dic 2014", "US"),
        ("Worldwide; Jan 2012 - Dec 2014", ""),
        ("Tennessee (United States); 2004 - present", "US-TN"),
        ("Georgia (United States); 2004 - present", "US-GA"),
    ],
)
def test_the_place_of_an_old_report_is_above_its_header(line: str, geo: str) -> None:
    snapshot = snapshot_of(f"Web Search interest: tea, coffee\n{line}\n\nInterest over time\nWeek,tea,coffee")
    assert (snapshot.geo, snapshot.geo_assumed) == (geo, False)


@pytest.mark.parametrize("line", ["Georgia; 2004 - present", "Bavaria (Germany); 2004 - present"])
def test_an_old_report_of_an_ambiguous_place_needs_a_geo(line: str) -> None:
    with pytest.raises(WarmcastError, match="pass geo=") as refusal:
        snapshot_of(f"Web Search interest: tea, coffee\n{line}\n\nInterest over time\nWeek,tea,coffee")
    assert refusal.value.fields[0][0] == "geo"


def test_other_lines_above_the_header_are_not_places() -> None:
    assert snapshot_of("Search interest in tea; as of May 1, 2025\nWeek,tea,coffee").geo_assumed


def test_brackets_stay_part_of_the_term_if_the_file_name_has_the_place() -> None:
    snapshot = snapshot_of("Time,Dune: (film),Arrival", US)
    assert (snapshot.terms, snapshot.geo) == (("Arrival", "Dune: (film)"), "US")
