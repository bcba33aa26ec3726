"""Forms of numbers: read exactly or refused; ten thousand is never read as ten and a half."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import WarmcastError
from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.values import decimal_marks, read_cell


def column(*cells: str) -> list[float | None]:
    marks = decimal_marks(cells)
    return [read_cell(cell, marks)[0] for cell in cells]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("10,5", "0,25", "100"), [10.5, 0.25, 100]),
        (("10.5", ".5", "10."), [10.5, 0.5, 10]),
        (("0,500", "0.250"), [0.5, 0.25]),  # a group of thousands does not begin with 0
        (("10,500", "9,25"), [10.5, 9.25]),  # another cell shows that the comma is the decimal mark
        (("29.023", "33.6"), [29.023, 33.6]),
        (("10.500", "0.250"), [10.5, 0.25]),
        (("10,5000",), [10.5]),
        (("１０", "١٠", "१०", "٩٫٥"), [10, 10, 10, 9.5]),
        (("\u200f٥٠", "+5", "1e1", "1,5e1", "1.234e1"), [50, 5, 10, 15, 12.34]),
        (("", "NaN", "nan", "NA", "N/A", "#N/A", "<NA>", "null", "NULL", "None"), [None] * 10),
        (("<1", "< 1", "＜1", "&lt;1", "<١"), [0.5] * 5),
    ],
)
def test_numbers_are_parsed(cells: tuple[str, ...], values: list[float | None]) -> None:
    assert column(*cells) == values


@pytest.mark.parametrize(
    "cells",
    [
        ("10,500", "20,100"),
        ("10.500", "20.100"),
        ("10,500", "33.6"),  # the other mark is the decimal one
        ("10,500", "33.6", "7,5"),  # both are
        ("10 500",),
        ("10\u00a0500",),
        ("10\u202f500",),
        ("10'500",),
        ("10’500",),
        ("١٠٬٥٠٠",),
        ("10,50,000",),
        ("1.234.567",),
        ("1.050,5",),
        ("1,050.5",),
        ("-10,500",),
        ("+1,050",),
        ("100,001",),
    ],
)
def test_numbers_that_may_be_thousands_are_refused(cells: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"is above 100|is negative"):
        column(*cells)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("45%", "without a percent sign"),
        ("٤٥٪", "without a percent sign"),
        ("−5", "is negative"),
        ("-inf", "not a finite number"),
        ("1e400", "not a finite number"),
        ("1_0", "is not a number"),
        ("5²", "is not a number"),
        ("½", "is not a number"),
        ("①", "is not a number"),
        ("10,", "is not a number"),
        ("10 5", "is not a number"),
        ("1,0,5", "is not a number"),
        ("0 050", "is not a number"),
        ("<2", "is not a number"),
        ("-", "is not a number"),
        ("(5)", "is not a number"),
        ("0x10", "is not a number"),
    ],
)
def test_text_that_is_not_a_number_is_refused_with_the_reason(cell: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        column(cell)


def test_the_separator_of_columns_decides_what_a_point_means() -> None:
    assert decimal_marks(["29.023", "10.500"], ",") == {"."}
    assert decimal_marks(["29.000", "10.500"], ",") == set()
    assert decimal_marks(["29.023", "10.500"], ";") == set()
    assert decimal_marks(["29,023", "10,500"], ";") == set()
    values = [f"2025-01-{day:02},{value},1" for day, value in ((5, "29.023"), (12, "100.000"), (19, "3"))]
    text = "\n".join(("Week,tea,coffee", *values))
    assert read_trends_csv(text.encode(), "export.csv").columns[0] == (29.023, 100, 3)
    with pytest.raises(WarmcastError, match=r"“29.023” is above 100 if “.” groups thousands; .* write 29.0230"):
        read_trends_csv(text.replace(",", ";").encode(), "export.csv")


def test_a_file_with_grouped_thousands_is_refused_with_the_line() -> None:
    content = b'Week,tea,coffee\n2025-01-05,"10,500","20,100"\n2025-01-12,1,2\n2025-01-19,3,4\n'
    with pytest.raises(
        WarmcastError, match=r"line 2, column “tea”: “10,500” is above 100 if “,” groups thousands; .*10.5"
    ):
        read_trends_csv(content, "export.csv")


@given(st.integers(1_000, 10**9), st.sampled_from([",", ".", " ", "'", "\u202f"]))
def test_numbers_with_grouped_thousands_are_refused(number: int, mark: str) -> None:
    with pytest.raises(ValueError, match="above 100"):
        column(f"{number:,}".replace(",", mark))


@given(st.lists(st.floats(0, 100).map(lambda value: round(value, 3)), min_size=1), st.sampled_from(",."))
def test_decimals_are_read_exactly(values: list[float], mark: str) -> None:
    try:
        read = column(*(f"{value:.3f}".replace(".", mark) for value in values))
    except ValueError:
        return
    assert read == values
