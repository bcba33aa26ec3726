"""Snapshots from tables: terms, place, timeframe and hash."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.common.errors import SINGLE_TERM, TERMS_MISMATCH, WarmcastError
from services.jobs.domain.snapshot import ImportedSnapshot
from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.points import read_points
from services.jobs.ingest.snapshot import build_snapshot
from services.jobs.ingest.table import Table
from tests.unit.jobs.ingest.test_trends_csv import read

LATER = datetime(2025, 1, 1, tzinfo=UTC)


def build(
    *tables: Table,
    timeframe: str = "",
    geo: str | None = None,
    pick: tuple[str, ...] = (),
    as_of: datetime = LATER,
    expected: tuple[str, str] | None = None,
) -> ImportedSnapshot:
    return build_snapshot(
        tables, timeframe=timeframe, geo=geo, pick=pick, as_of=as_of, source="test", expected_terms=expected
    )


def one(header: str, *days: int, name: str = "one.csv") -> Table:
    rows = "\n".join(f"2024-01-{day:02},{day}" for day in days)
    return read_trends_csv(f"Day,{header}\n{rows}".encode(), name)


def points(last: str, *others: str) -> Table:
    return read_points(("tea", "coffee"), [(date, [1, 2]) for date in (*others, last)])


def test_terms_and_values_are_in_slug_order() -> None:
    snapshot = build(read("preamble.csv"))
    assert (snapshot.slug, snapshot.terms) == ("coffee-vs-tea", ("coffee", "tea"))
    assert snapshot.values_a == (60, 61, 62, 100)
    assert snapshot.values_b == (40, 0.5, 42, 43)
    assert (snapshot.timeframe, snapshot.geo, snapshot.source, snapshot.as_of) == ("12m", "US", "test", LATER)
    assert snapshot.cleaned == (("below one read as half", 1),)
    assert (snapshot.scaled_apart, snapshot.gaps_filled, snapshot.partial_last_period) == (False, False, False)


def test_the_same_data_have_the_same_hash_in_every_format() -> None:
    posted = read_points(
        ("COFFEE", "Tea"),
        [("2024-01-07", [60, 40]), ("2024-01-14", [61, 0.5]), ("2024-01-21", [62, 42]), ("2024-01-28", [100, 43])],
    )
    assert build(posted, geo="us").data_hash == build(read("preamble.csv")).data_hash
    assert build(posted).data_hash != build(read("preamble.csv")).data_hash


def test_two_of_several_terms_are_picked() -> None:
    with pytest.raises(WarmcastError, match="3 terms, “tea”, “coffee” and “milk”; pass term twice"):
        build(read("three_terms.csv"))
    snapshot = build(read("three_terms.csv"), pick=("MILK", "téa"))
    assert (snapshot.terms, snapshot.values_a, snapshot.geo) == (("milk", "tea"), (3, 0.5, 7), "")
    assert snapshot.cleaned == (("below one read as half", 1),)
    assert build(read("three_terms.csv"), pick=("tea", "coffee")).cleaned == ()


@pytest.mark.parametrize(
    ("pick", "why"),
    [
        (("tea",), "passed 1 times"),
        (("tea", "coffee", "milk"), "passed 3 times"),
        (("tea", "juice"), "holds no term “juice”; it holds “tea”, “coffee” and “milk”"),
        (("tea", "Tea"), "are the same term"),
    ],
)
def test_a_bad_pick_names_the_parameter(pick: tuple[str, ...], why: str) -> None:
    with pytest.raises(WarmcastError, match=why) as refusal:
        build(read("three_terms.csv"), pick=pick)
    assert refusal.value.fields[0][0] == "term"


def test_the_exact_term_is_preferred_to_a_similar_one() -> None:
    table = read_trends_csv("Day,cote,côte,x\n2024-01-01,1,2,3\n2024-01-02,1,2,3\n2024-01-03,1,2,3".encode(), "")
    assert build(table, pick=("x", "côte")).values_a == (2, 2, 2)
    with pytest.raises(WarmcastError, match="more than one column like “côté”"):
        build(table, pick=("x", "côté"))


def test_a_file_with_one_term_is_refused_with_its_name() -> None:
    with pytest.raises(WarmcastError, match="one term alone, “tea”") as refusal:
        build(read("one_term_old_mac.csv"))
    assert refusal.value.reason is SINGLE_TERM
    assert refusal.value.metadata == {"term": "tea"}


def test_two_one_term_files_are_joined_on_common_dates() -> None:
    snapshot = build(one("tea", 1, 2, 3, 4), one("coffee", 2, 3, 4, 5, 6))
    assert (snapshot.values_a, snapshot.values_b) == ((2, 3, 4), (2, 3, 4))
    assert snapshot.times[0] == datetime(2024, 1, 2, tzinfo=UTC)
    assert snapshot.scaled_apart
    assert snapshot.cleaned == (("period that only one file holds dropped", 3),)
    assert build(one("tea", 1, 2, 3), one("coffee", 1, 2, 3), pick=("Coffee", "tea")).slug == "coffee-vs-tea"


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        (
            (one("tea", 1, 2, 3), one("coffee", 3, 4, 5, name="two.csv")),
            "“one.csv” .* and “two.csv” .* 1 dates in common",
        ),
        ((one("tea", 1, 2, 3), one("coffee", 1, 8, 15, name="two.csv")), "“one.csv” is daily, “two.csv” is weekly"),
        ((one("tea", 1, 2, 3), one("TEA", 1, 2, 3, name="two.csv")), "hold the same term"),
        (
            (one("tea", 1, 2, 3), read("three_terms.csv")),
            "“three_terms.csv” holds 3 terms; each of two files must hold one",
        ),
        ((one("tea: (Spain)", 1, 2, 3), one("coffee: (France)", 1, 2, 3)), "is of “Spain”, .* of “France”"),
        ((one("tea", 1, 2, 3),) * 3, "3 files"),
        ((), "0 files"),
    ],
)
def test_two_files_that_cannot_be_joined_are_refused_with_the_reason(tables: tuple[Table, ...], why: str) -> None:
    with pytest.raises(WarmcastError, match=why):
        build(*tables)


def test_the_places_of_two_files_are_compared_by_code() -> None:
    assert build(one("tea: (Spain)", 1, 2, 3), one("coffee: (España)", 1, 2, 3)).geo == "ES"
    assert build(one("tea: (Spain)", 1, 2, 3), one("coffee", 1, 2, 3)).geo == "ES"


def test_a_known_comparison_keeps_its_spelling() -> None:
    snapshot = build(read("bom_crlf_no_newline.csv"), expected=("Cafe", "Te"))
    assert (snapshot.terms, snapshot.slug) == (("Cafe", "Te"), "cafe-vs-te")
    assert snapshot.values_b == (40, 41, 42)


@pytest.mark.parametrize("name", ["preamble.csv", "three_terms.csv"])
def test_terms_of_another_comparison_are_refused_with_both_pairs(name: str) -> None:
    with pytest.raises(WarmcastError, match=r"“tea”.*“coffee”.*the comparison is of “amazon” and “costco”") as refusal:
        build(read(name), expected=("amazon", "costco"))
    assert refusal.value.reason is TERMS_MISMATCH


def test_an_ambiguous_or_unknown_place_needs_a_geo() -> None:
    with pytest.raises(WarmcastError, match="“Georgia”, which may be GE or US-GA; pass geo=") as refusal:
        build(read("ambiguous_place.csv"))
    assert refusal.value.fields[0][0] == "geo"
    assert build(read("ambiguous_place.csv"), geo="us-ga").geo == "US-GA"
    with pytest.raises(WarmcastError, match="“Atlantis”, which is not a known place"):
        build(one("tea: (Atlantis)", 1, 2, 3), one("coffee: (Atlantis)", 1, 2, 3))


def test_a_given_geo_replaces_that_of_the_header_and_is_reported() -> None:
    snapshot = build(read("preamble.csv"), geo="")
    assert snapshot.geo == ""
    assert ("place in the header overruled by geo", 1) in snapshot.cleaned


def test_a_timeframe_with_another_step_is_refused() -> None:
    assert build(read("preamble.csv"), timeframe="5y").timeframe == "5y"
    with pytest.raises(WarmcastError, match="3m is daily, but the data are weekly; pass 12m or 5y") as refusal:
        build(read("preamble.csv"), timeframe="3m")
    assert refusal.value.fields[0][0] == "tf"


@pytest.mark.parametrize(
    ("table", "over"),
    [
        (points("2024-01-31T22", "2024-01-31T20", "2024-01-31T21"), datetime(2024, 1, 31, 23, tzinfo=UTC)),
        (points("2024-02-29", "2024-02-27", "2024-02-28"), datetime(2024, 3, 1, tzinfo=UTC)),
        (points("2024-02-25", "2024-02-11", "2024-02-18"), datetime(2024, 3, 3, tzinfo=UTC)),
        (points("2024-12", "2024-10", "2024-11"), datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_last_period_is_partial_until_it_is_over(table: Table, over: datetime) -> None:
    whole, partial = build(table, as_of=over), build(table, as_of=over.replace(minute=0) - (over - table.times[-1]) / 2)
    assert (whole.partial_last_period, partial.partial_last_period) == (False, True)
    assert whole.data_hash != partial.data_hash


def test_a_partial_last_period_according_to_the_file_is_partial() -> None:
    def week(*flags: bool) -> Table:
        rows = [f"2024-01-{day:02},{day},2,{flag}" for day, flag in zip((7, 14, 21), flags, strict=True)]
        return read_trends_csv("\n".join(["date,tea,coffee,isPartial", *rows]).encode(), "pytrends.csv")

    flagged, not_flagged = build(week(False, False, True)), build(week(False, False, False))
    assert (flagged.partial_last_period, not_flagged.partial_last_period) == (True, False)
    assert flagged.terms == not_flagged.terms == ("coffee", "tea")
    assert not build(week(True, False, False)).partial_last_period
    assert build(week(False, False, False), as_of=datetime(2024, 1, 22, tzinfo=UTC)).partial_last_period
    # In two joined files, a partial period that only one of them has does not count.
    longer = "\n".join(["date,milk,isPartial", *(f"2024-01-{day:02},{day},{day == 28}" for day in (7, 14, 21, 28))])
    short = "\n".join(["date,tea,isPartial", *(f"2024-01-{day:02},{day},{day == 21}" for day in (7, 14, 21))])
    milk, tea = (read_trends_csv(text.encode(), "one.csv") for text in (longer, short))
    assert build(milk, tea).partial_last_period
    assert not build(milk, read_trends_csv(short.replace("True", "False").encode(), "one.csv")).partial_last_period


def test_data_later_than_their_as_of_time_are_refused() -> None:
    with pytest.raises(WarmcastError, match="is after the time of the data"):
        build(points("2025-01-03", "2025-01-01", "2025-01-02"))


def test_filled_gaps_are_flagged() -> None:
    snapshot = build(read("gaps.csv"))
    assert snapshot.gaps_filled
    assert snapshot.cleaned == (("empty cell filled", 1), ("missing period filled", 1))
