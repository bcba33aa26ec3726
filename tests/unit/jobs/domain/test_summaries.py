"""What a list shows of a comparison."""

from __future__ import annotations

import pytest

from services.jobs.domain.comparison import SUMMARY_VALUES, leader, summary_values


@pytest.mark.parametrize("count", [1, 3, 60, 61, 119, 260, 5_000])
def test_a_summary_keeps_the_extremes_and_the_last_value_within_its_limit(count: int) -> None:
    values = [50.0 + (index * 37 % 41) for index in range(count)]
    values[count // 3] = 0.0
    values[count // 2] = 100.0
    kept = summary_values(values)
    assert len(kept) <= SUMMARY_VALUES
    assert {min(values), max(values)} <= set(kept)
    assert kept[-1] == values[-1]


def test_short_series_stay_as_they_are() -> None:
    assert summary_values((3.0, 1.0, 2.0)) == (3.0, 1.0, 2.0)


@pytest.mark.parametrize("falling", [False, True])
def test_the_order_within_a_part_stays(falling: bool) -> None:
    kept = summary_values(sorted(range(300), reverse=falling))
    assert kept == tuple(sorted(kept, reverse=falling))


@pytest.mark.parametrize(
    ("a", "b", "scaled_apart", "label"),
    [(2, 1, False, "termA"), (1, 2, False, "termB"), (1, 1, False, ""), (2, 1, True, "")],
)
def test_the_leader_is_a_label(a: float, b: float, scaled_apart: bool, label: str) -> None:
    assert leader(a, b, scaled_apart=scaled_apart) == label
