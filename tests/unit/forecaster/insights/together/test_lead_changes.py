"""The dates from which the other term was ahead."""

from __future__ import annotations

import pytest

from services.forecaster.insights.together.lead_changes import find_lead_changes
from services.forecaster.insights.types import LeadChange
from tests.unit.forecaster.insights.together.pairs import analysis

VALUES = {"A": 40.0, "B": 60.0, "=": 50.0}


def changes_of(leaders: str) -> list[tuple[int, str]]:
    """The changes in a history of leaders, = for a tie: (period, leader)."""
    a = analysis([50.0] * len(leaders), "3m")
    b = analysis([VALUES[leader] for leader in leaders], "3m")
    dates = {a.date(index): index for index in range(len(leaders))}
    return [(dates[change.date], change.leader[-1]) for change in find_lead_changes(a, b)]


@pytest.mark.parametrize(
    ("leaders", "changes"),
    [
        ("AAABBB", [(3, "B")]),
        ("BBBAAABB", [(3, "A"), (6, "B")]),
        ("AAABAAA", []),  # one step
        ("AAABAABB", [(6, "B")]),
        ("ABABABAB", []),
        ("AAABBAAA", [(3, "B"), (5, "A")]),
        ("AA==BB", [(4, "B")]),
        ("AAAB=BB", [(3, "B")]),
        ("AAAB==AA", []),
        ("AAAB", []),  # the last period alone
        ("BAAAA", []),  # nothing led before
        ("======", []),
        ("AAAAAA", []),
        ("=AAA", []),
    ],
)
def test_a_leader_is_ahead_in_two_periods_in_a_row(leaders: str, changes: list[tuple[int, str]]) -> None:
    assert changes_of(leaders) == changes


def test_the_newest_twenty_changes_are_kept() -> None:
    assert changes_of("AABB" * 12) == [(period, "BA"[period // 2 % 2 - 1]) for period in range(8, 48, 2)]


def test_a_change_has_the_bundles_date_and_the_contracts_label() -> None:
    a, b = analysis([50, 50, 50, 50], "all"), analysis([60, 60, 40, 40], "all")
    assert find_lead_changes(a, b) == (LeadChange("2020-03-06", "termA"),)
    a, b = analysis([50, 50, 50, 50], "7d"), analysis([40, 40, 60, 60], "7d")
    assert find_lead_changes(a, b) == (LeadChange("2020-01-06T02:00:00Z", "termB"),)
