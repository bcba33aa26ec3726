"""The columns of a file that are read, and the term of each."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.comparison import term_slug
from services.common.errors import TERMS_MISMATCH, TOO_LARGE, WarmcastError
from services.jobs.domain.snapshot import ImportedSnapshot
from services.jobs.ingest.files.trends_csv import read_trends_csv
from tests.unit.jobs.ingest.test_snapshot import build, one

DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")


def sheet(header: str, *rows: str) -> bytes:
    return "\n".join((f"Day,{header}", *(f"{day},{row}" for day, row in zip(DAYS, rows, strict=True)))).encode()


def snapshot_of(
    content: bytes, *pick: str, geo: str | None = None, expected: tuple[str, str] | None = None
) -> ImportedSnapshot:
    table = read_trends_csv(content, "export.csv", pick=pick, geo=geo)
    return build(table, pick=pick, geo=geo, expected=expected)


def series(snapshot: ImportedSnapshot) -> dict[str, tuple[float, ...]]:
    return dict(zip(snapshot.terms, (snapshot.values_a, snapshot.values_b), strict=True))


@pytest.mark.parametrize("header", ["email,e-mail", "e-mail,email", "E-Mail,EMAIL"])
def test_a_known_comparison_prefers_the_exact_spelling(header: str) -> None:
    snapshot = snapshot_of(sheet(header, "90,5", "91,6", "92,7"), expected=("e-mail", "email"))
    columns = [(90, 91, 92), (5, 6, 7)]
    first = header.split(",", maxsplit=1)[0].lower()
    assert series(snapshot) == dict(zip((first, {"e-mail": "email", "email": "e-mail"}[first]), columns, strict=True))


def test_one_exact_spelling_decides_the_other_term() -> None:
    assert series(snapshot_of(sheet("é-mail,E mail", "90,5", "91,6", "92,7"), expected=("e-mail", "email"))) == {
        "email": (90, 91, 92),
        "e-mail": (5, 6, 7),
    }


def test_terms_that_match_both_terms_of_the_comparison_are_refused() -> None:
    with pytest.raises(WarmcastError, match="“émail” and “é-mail” may be either of “e-mail” and “email”") as refusal:
        snapshot_of(sheet("émail,é-mail", "90,5", "91,6", "92,7"), expected=("e-mail", "email"))
    assert refusal.value.reason is TERMS_MISMATCH


@pytest.mark.parametrize("reverse", [False, True])
def test_two_files_with_similar_terms_keep_their_values(reverse: bool) -> None:
    pair = [one("email", 4, 5, 6), one("e-mail", 4, 5, 6)]
    pair[0] = replace(pair[0], columns=((90, 91, 92),))
    snapshot = build(*(pair[::-1] if reverse else pair), expected=("e-mail", "email"))
    assert series(snapshot) == {"email": (90, 91, 92), "e-mail": (4, 5, 6)}


@pytest.mark.parametrize("pick", [("tea", "coffee"), ("coffee", "tea")])
@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("tea,total,coffee", ("1,102,2", "3,104,4", "5,106,6")),
        ("tea,note,coffee", ("1,a fair,2", "3,,4", "5,,6")),
        ("tea,spare,coffee", ("1,,2", "3,,4", "5,,6")),
        ("tea,cats vs dogs,coffee", ("1,1,2", "3,1,4", "5,1,6")),
        ("tea,,coffee", ("1,x,2", "3,,4", "5,,6")),
        ("milk,tea,Milk,coffee", ("0,1,0,2", "0,3,0,4", "0,5,0,6")),
        ("tea,coffee,note", ("1,2", "3,4,a fair", "5,6")),
        ("tea: (Canada),coffee: (Canada),milk: (France)", ("1,2,0", "3,4,0", "5,6,0")),
    ],
)
def test_columns_that_are_not_picked_are_ignored(header: str, rows: tuple[str, ...], pick: tuple[str, ...]) -> None:
    assert series(snapshot_of(sheet(header, *rows), *pick)) == {"tea": (1, 3, 5), "coffee": (2, 4, 6)}


def test_a_known_comparison_may_be_picked_from_more_columns() -> None:
    content = sheet("total,e-mail,email", "102,5,90", "104,6,91", "106,7,92")
    snapshot = snapshot_of(content, "email", "e-mail", expected=("e-mail", "email"))
    assert series(snapshot) == {"email": (90, 91, 92), "e-mail": (5, 6, 7)}


def test_two_files_may_hold_columns_that_are_not_picked() -> None:
    pick = ("tea", "coffee")
    tables = [
        read_trends_csv(content, "export.csv", pick=pick)
        for content in (
            sheet("note,coffee", "a fair,2", ",4", ",6"),
            sheet("tea,total", "1,102", "3,104", "5,106"),
        )
    ]
    assert series(build(*tables, pick=pick)) == {"tea": (1, 3, 5), "coffee": (2, 4, 6)}


def test_the_place_is_that_of_the_picked_columns() -> None:
    content = sheet("tea: (Canada),coffee: (Canada),milk: (France)", "1,2,0", "3,4,0", "5,6,0")
    assert snapshot_of(content, "tea", "coffee").geo == "CA"
    with pytest.raises(WarmcastError, match=r"different places, “Canada” and “France”.*pass term twice"):
        snapshot_of(content)
    with pytest.raises(WarmcastError, match="different places, “Canada” and “France”"):
        snapshot_of(content, "tea", "milk")


def test_terms_with_several_places_are_picked_from_the_common_one() -> None:
    content = sheet("tea: (France),tea: (Canada),coffee: (Canada)", "0,1,2", "0,3,4", "0,5,6")
    snapshot = snapshot_of(content, "tea", "coffee")
    assert (series(snapshot), snapshot.geo) == ({"tea": (1, 3, 5), "coffee": (2, 4, 6)}, "CA")
    both = sheet("tea: (France),coffee: (France),tea: (Canada),coffee: (Canada)", "0,9,1,2", "0,9,3,4", "0,9,5,6")
    with pytest.raises(WarmcastError, match=r"different places, “France” and “Canada”.*and geo= if both terms"):
        snapshot_of(both, "tea", "coffee")
    assert series(snapshot_of(both, "tea", "coffee", geo="ca")) == {"tea": (1, 3, 5), "coffee": (2, 4, 6)}


def test_a_picked_column_is_validated() -> None:
    content = sheet("tea,total,coffee", "1,102,2", "3,104,4", "5,106,6")
    with pytest.raises(WarmcastError, match="line 2, column “total”: “102” is above 100"):
        snapshot_of(content, "tea", "total")
    with pytest.raises(WarmcastError, match=r"“102” is above 100.*; pass term twice to read two columns"):
        snapshot_of(content)


@pytest.mark.parametrize(
    ("pick", "why"),
    [
        (("tea", "cofee"), "no term “cofee”; it holds “tea”, “total” and “coffee”"),
        (("milk", "cofee"), "no term “milk”; it holds “tea”, “total” and “coffee”"),
        (("tea", "Tea"), "“tea” and “Tea” are the same term"),
    ],
)
def test_a_pick_of_a_missing_term_is_refused_with_all_terms(pick: tuple[str, str], why: str) -> None:
    with pytest.raises(WarmcastError, match=why) as refusal:
        snapshot_of(sheet("tea,total,coffee", "1,12,2", "3,14,4", "5,16,6"), *pick)
    assert refusal.value.fields[0][0] == "term"


@pytest.mark.parametrize("name", ["ﷺ" * 480, "a" + "\u0301\u0327" * 240])
def test_headings_that_are_slow_to_compare_take_bounded_time(name: str) -> None:
    began = time.process_time()
    with pytest.raises(WarmcastError, match="900 terms; 30 is the limit"):
        read_trends_csv(
            f"Week,{','.join([name] * 900)}\n2025-01-05,1\n2025-01-12,1\n2025-01-19,1".encode(),
            "export.csv",
            pick=("tea", "coffee"),
        )
    assert time.process_time() - began < 5


def test_a_row_without_a_picked_cell_is_refused() -> None:
    with pytest.raises(WarmcastError, match="line 3 has 3 cells where the header has 4"):
        snapshot_of(sheet("tea,note,coffee", "1,,2", "3,4", "5,,6"), "tea", "coffee")
    # A decimal comma may have shifted the cells.
    with pytest.raises(WarmcastError, match="line 3 has 5 cells where the header has 4"):
        snapshot_of(sheet("tea,coffee,note", "1,2,", "3,5,4,5", "5,6,"), "tea", "coffee")


def test_a_file_with_too_many_terms_is_refused() -> None:
    with pytest.raises(WarmcastError) as refusal:
        read_trends_csv(sheet(",".join(f"t{at}" for at in range(1000)), *[",".join(["1"] * 1000)] * 3), "wide.csv")
    assert refusal.value.reason is TOO_LARGE


@given(
    columns=st.permutations(["email", "e-mail", "é-mail", "E Mail Service", "tea"]),
    pick=st.permutations(["Email", "E-MAIL", "é-mail", "tea"]).map(lambda terms: (terms[0], terms[1])),
    known=st.booleans(),
)
def test_values_stay_with_their_term_in_any_order(columns: list[str], pick: tuple[str, str], known: bool) -> None:
    rows = (",".join(str(10 * row + sorted(columns).index(term)) for term in columns) for row in range(3))
    expected = tuple(sorted(term_slug(term) for term in pick)) if known else None
    snapshot = snapshot_of(
        sheet(",".join(columns), *rows), *pick, expected=(expected[0], expected[1]) if expected else None
    )
    by_slug = {term_slug(term): float(sorted(columns).index(term)) for term in columns}
    assert {term_slug(term): values[0] for term, values in series(snapshot).items()} == {
        slug: by_slug[slug] for slug in map(term_slug, pick)
    }
