"""CSV files open in a spreadsheet without a formula."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone

import pytest

from services.gateway.pages.spreadsheet import as_csv


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_that_begins_like_a_formula_is_text(begin: str) -> None:
    formula = f'{begin}HYPERLINK("http://x", "y")'
    assert read(as_csv([[formula, "b"], ["a", f"b{formula}"]])) == [[f"'{formula}", "b"], ["a", f"b{formula}"]]


def test_a_separator_or_a_line_break_in_a_text_begins_no_cell() -> None:
    for text in ("a,=1+1", "a\r\n=1+1", 'a";=1+1', "<script>"):
        assert read(as_csv([[text, 1]])) == [[text, "1"]]


def test_numbers_keep_their_sign_and_moments_are_in_utc() -> None:
    moment = datetime(2026, 1, 1, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert read(as_csv([[-1.5, None, moment]])) == [["-1.5", "", "2026-01-01T00:30:00.000Z"]]
