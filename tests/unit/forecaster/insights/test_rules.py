"""The bounds from which rules have a sentence."""

from __future__ import annotations

import math

import pytest

from services.forecaster.insights.interpretations.facts import read_facts
from services.forecaster.insights.interpretations.interpret import findings
from services.forecaster.insights.types import ChangePoint, Correlation, Together
from tests.unit.forecaster.insights.compared import compared_term, head_to_head, insights, season
from tests.unit.forecaster.insights.comparisons import FIVE_YEARS, Compared


def ids(compared: Compared) -> set[str]:
    """The ids of all findings, the least important ones as well."""
    return {finding.id for finding in findings(read_facts(*compared))}


@pytest.mark.parametrize(("changed", "said"), [("2025-03-02", False), ("2024-03-03", True)])
def test_a_change_of_level_within_the_year_explains_the_change_over_it(changed: str, said: bool) -> None:
    shift = ChangePoint(changed, 20.0, 60.0, True)
    a = compared_term(
        "a",
        [40.0] * 260,
        60,
        timeframe="5y",
        start=FIVE_YEARS,
        insights=insights(change_points=(shift,), year=(60, 40)),
    )
    b = compared_term("b", [30.0] * 260, 30, label="termB", timeframe="5y", start=FIVE_YEARS)
    assert ("yearOverYear" in ids((a, b, None, head_to_head(a, b, 1.0)))) is said


@pytest.mark.parametrize(("swing", "said"), [(6, False), (16, True)])
def test_a_rise_is_seasonal_where_the_year_before_shows_half_of_it(swing: float, said: bool) -> None:
    yearly = [40 + swing * math.sin(2 * math.pi * index / 52) for index in range(260)]
    a = compared_term(
        "a",
        yearly,
        60,
        timeframe="5y",
        start=FIVE_YEARS,
        direction="rising",
        insights=insights(season=season("early June", swing, "late November", -swing)),
    )
    b = compared_term("b", [30.0] * 260, 30, label="termB", timeframe="5y", start=FIVE_YEARS)
    assert ("seasonalDirection" in ids((a, b, None, head_to_head(a, b, 1.0)))) is said


@pytest.mark.parametrize(
    ("correlation", "said"),
    [
        (Correlation(0.5, 0.2, 0.7), {"moveTogether"}),
        (Correlation(-0.5, -0.7, -0.2), {"moveOpposite"}),
        (Correlation(0.5, 0.05, 0.8), set()),
        (Correlation(0.05, -0.3, 0.4), set()),
        (Correlation(0.05, -0.2, 0.25), {"moveApart"}),
    ],
)
def test_the_interval_decides_what_a_correlation_says(correlation: Correlation, said: set[str]) -> None:
    a, b = compared_term("a", [40.0, 50.0] * 26, 45), compared_term("b", [20.0, 30.0] * 26, 25, label="termB")
    compared = a, b, Together(correlation, None, (), None), head_to_head(a, b, 1.0)
    assert ids(compared) & {"moveTogether", "moveOpposite", "moveApart"} == said


@pytest.mark.parametrize(("best", "said"), [(25.0, False), (35.0, True)])
def test_a_race_is_close_where_the_term_behind_has_a_fair_chance(best: float, said: bool) -> None:
    a, b = compared_term("a", [40.0] * 52, 40), compared_term("b", [20.0] * 52, 25, label="termB")
    assert ("closeRace" in ids((a, b, None, head_to_head(a, b, [5.0] * 12 + [best])))) is said


def test_a_chance_that_is_the_same_at_all_dates_is_no_close_race() -> None:
    a, b = compared_term("a", [40.0] * 52, 40), compared_term("b", [20.0] * 52, 25, label="termB")
    assert "closeRace" not in ids((a, b, None, head_to_head(a, b, 38.0)))


@pytest.mark.parametrize(("recent", "said"), [(0.0, True), (40.0, False)])
def test_a_term_is_mostly_zero_only_if_its_last_values_are(recent: float, said: bool) -> None:
    a = compared_term("a", [0.0] * 39 + [recent] * 13, recent, flags=["mostlyZero"])
    b = compared_term("b", [50.0] * 52, 50, label="termB")
    assert ("mostlyZero" in ids((a, b, None, head_to_head(a, b, 99.0)))) is said


def test_a_trend_stays_within_the_bounds_of_search_interest() -> None:
    decomposed = insights(trend=[-10.0, 50.0, 104.0])
    a = compared_term("a", [2.0, 50.0, 98.0], 98, insights=decomposed)
    b = compared_term("b", [98.0, 50.0, 2.0], 2, label="termB", insights=insights(trend=[104.0, 50.0, -10.0]))
    [up, down] = [finding for finding in findings(read_facts(a, b, None, None)) if finding.id == "longTrend"]
    assert "rose from 0 to 100 points" in up.text
    assert "fell from 100 to 0 points" in down.text
    assert [up.evidence["before"], up.evidence["after"]] == [0.0, 100.0]


@pytest.mark.parametrize(
    ("values", "said", "margin"),
    [((1.74, 1.66), "currentTie", 0.0), ((1.66, 1.64), "currentLeader", -0.1), ((0.04, 0.0), "currentTie", 0.0)],
)
def test_a_term_is_ahead_if_its_value_is_higher_as_it_is_written(
    values: tuple[float, float], said: str, margin: float
) -> None:
    a, b = (
        compared_term(f"term{label}", [value] * 20, value, label=label)
        for value, label in zip(values, ("termA", "termB"), strict=True)
    )
    [found] = [
        finding for finding in findings(read_facts(a, b, None, None)) if finding.id in ("currentLeader", "currentTie")
    ]
    assert (found.id, found.evidence["margin"]) == (said, margin)
    ahead = [finding for finding in findings(read_facts(a, b, None, None)) if finding.id == "pastLeader"]
    assert bool(ahead) is (said == "currentLeader")
