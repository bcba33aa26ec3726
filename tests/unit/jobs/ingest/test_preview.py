"""What a dry run shows of each column."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.points import read_points
from services.jobs.ingest.preview import Column, needs_choice, read_columns
from services.jobs.ingest.table import Table


def table(*terms: str, pick: tuple[str, ...] = ()) -> Table:
    rows = "".join(f"2024-01-{day:02}" + f",{day}" * len(terms) + "\n" for day in (1, 2, 3))
    return read_trends_csv(f"Day,{','.join(terms)}\n{rows}".encode(), "a.csv", pick=pick)


def test_empty_cells_and_missing_periods_count_as_missing() -> None:
    points = [("2024-01-01", (1, 9)), ("2024-01-02", (None, 8)), ("2024-01-04", (3, 7)), ("2024-01-05", (4, 0))]
    points += [(f"2024-01-{day:02}", (5, 5)) for day in range(6, 29)]
    columns = read_columns([read_points(("tea", "coffee"), points)], (), partial_period=None)
    assert [replace(column, sampled_values=()) for column in columns] == [
        Column("tea", chosen=True, values=26, missing=2, lowest=1, highest=5),
        Column("coffee", chosen=True, values=27, missing=1, lowest=0, highest=9),
    ]
    assert columns[0].sampled_values[:5] == (1, 1.6667, 2.3333, 3, 4)
    assert columns[1].sampled_values[-1] == 5


def test_a_partial_period_is_not_sampled_where_a_column_has_it() -> None:
    points = [(f"2024-01-{day:02}", (day, 9)) for day in (1, 2, 3, 4)]
    shorter, longer = table("tea"), read_points(("milk", "water"), points)
    columns = read_columns([shorter, longer], (), partial_period=longer.times[-1], undecided=True)
    assert [each.sampled_values for each in columns] == [(1, 2, 3), (1, 2, 3), (9, 9, 9)]


def test_a_long_series_is_sampled() -> None:
    points = [((date(2024, 1, 1) + timedelta(days=day)).isoformat(), (day % 90, 50)) for day in range(300)]
    columns = read_columns([read_points(("tea", "coffee"), points)], (), partial_period=None)
    assert [len(each.sampled_values) for each in columns] == [59, 59]
    assert (min(columns[0].sampled_values), max(columns[0].sampled_values)) == (0, 89)


def test_a_column_that_was_not_picked_is_listed_last_and_without_values() -> None:
    pick = ("tea", "milk")
    columns = read_columns([table("tea", "water", "milk", pick=pick)], pick, partial_period=None)
    assert [(each.term, each.chosen, each.values) for each in columns] == [
        ("tea", True, 3),
        ("milk", True, 3),
        ("water", False, 0),
    ]


def test_of_columns_with_like_names_the_one_that_was_picked_is_chosen() -> None:
    pick = ("côte", "tea")
    columns = read_columns([table("cote", "côte", "tea", pick=pick)], pick, partial_period=None)
    assert {each.term for each in columns if each.chosen} == {"côte", "tea"}


@pytest.mark.parametrize(
    ("tables", "pick", "known", "needed"),
    [
        ([("tea",)], (), False, True),
        ([("tea",)], (), True, True),
        ([("tea", "milk")], (), False, False),
        ([("tea", "milk", "water")], (), False, True),
        ([("tea", "milk", "water")], (), True, False),
        ([("tea", "milk", "water")], ("tea", "milk"), False, False),
        ([("tea",), ("milk",)], (), False, False),
    ],
)
def test_one_file_without_two_terms_needs_a_choice(
    tables: list[tuple[str, ...]], pick: tuple[str, ...], known: bool, needed: bool
) -> None:
    assert needs_choice([table(*terms) for terms in tables], pick, known=known) is needed
