"""Comparisons whose sentences are tested."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from services.forecaster.engine.types import JsonObject
from services.forecaster.insights.interpretations.compared_term import ComparedTerm
from services.forecaster.insights.types import ChangePoint, Correlation, LeadChange, LeadLag, Together
from tests.unit.forecaster.insights.compared import compared_term, event, head_to_head, insights, season

FIVE_YEARS = datetime(2021, 1, 3, tzinfo=UTC)
Compared = tuple[ComparedTerm, ComparedTerm, Together | None, JsonObject | None]


def a_clear_leader_over_one_year() -> Compared:
    a = compared_term("amazon", [60 + index % 5 for index in range(52)], 62)
    b = compared_term("costco", [31 + index % 3 for index in range(52)], 32, label="termB", confidence=75)
    return a, b, Together(Correlation(0.05, -0.2, 0.25), None, (), None), head_to_head(a, b, 2.0)


def a_new_term_overtakes() -> Compared:
    a = compared_term("bard", [40.0] * 30 + [38 - index / 2 for index in range(22)], 24, direction="falling")
    rising = [0.0] * 39 + [20.0 + index for index in range(13)]
    b = compared_term(
        "gemini",
        rising,
        [28 + index for index in range(13)],
        label="termB",
        direction="rising",
        confidence=36,
        flags=["recentLaunch"],
        insights=insights(change_points=(ChangePoint("2024-09-30", 0.0, 26.0, True),)),
    )
    together = Together(None, None, (LeadChange("2024-12-16", "termB"),), None)
    return a, b, together, head_to_head(a, b, 88.0)


def two_seasons_of_five_years() -> Compared:
    yearly = [30 + 20 * math.cos(2 * math.pi * (index - 47) / 52) for index in range(260)]
    a = compared_term(
        "sunscreen",
        [60 - value for value in yearly],
        [60 - value for value in yearly[:26]],
        timeframe="5y",
        start=FIVE_YEARS,
        direction="rising",
        confidence=82,
        insights=insights(season=season("early June", 20, "late November", -20), year=(12.0, -4.0), trend=[30.0] * 260),
    )
    b = compared_term(
        "snow boots",
        yearly,
        yearly[:26],
        label="termB",
        timeframe="5y",
        start=FIVE_YEARS,
        direction="falling",
        confidence=79,
        insights=insights(season=season("late November", 20, "early June", -20), year=(48.0, 5.0), trend=[30.0] * 260),
    )
    chances = [90.0 if value > 30 else 10.0 for value in yearly[:26]]
    together = Together(Correlation(-0.7, -0.8, -0.6), None, (LeadChange("2025-09-28", "termB"),), False)
    return a, b, together, head_to_head(a, b, chances)


def an_event_and_a_lead() -> Compared:
    values = [20.0 + index % 3 for index in range(90)]
    a = compared_term(
        "trailer",
        [*values[:84], 95.0, *values[85:]],
        25,
        timeframe="3m",
        confidence=55,
        insights=insights(peaks=(event("2024-03-25", 95.0, 73.0),)),
    )
    b = compared_term(
        "movie tickets",
        [value - 10 for value in values[:86]] + [60.0] + [value - 10 for value in values[87:]],
        18,
        label="termB",
        timeframe="3m",
        direction="volatile",
        insights=insights(peaks=(event("2024-03-27", 60.0, 48.0), event("2024-02-10", 30.0, 18.0))),
    )
    together = Together(Correlation(0.1, -0.1, 0.31), LeadLag(2, 0.62), (), None)
    return a, b, together, head_to_head(a, b, 30.0)


def a_shift_and_a_trend_over_many_years() -> Compared:
    a = compared_term(
        "python",
        [20 + index / 3 for index in range(180)],
        83,
        timeframe="all",
        partial=True,
        start=datetime(2009, 1, 1, tzinfo=UTC),
        direction="rising",
        confidence=71,
        insights=insights(trend=[20 + index / 3 for index in range(180)], year=(79.0, 4.0)),
    )
    b = compared_term(
        "perl",
        [60.0] * 100 + [30.0] * 80,
        28,
        label="termB",
        timeframe="all",
        start=datetime(2009, 1, 1, tzinfo=UTC),
        partial=True,
        insights=insights(change_points=(ChangePoint("2017-05-01", 60.0, 30.0, False),), year=(30.0, 0.0)),
    )
    together = Together(Correlation(0.45, 0.3, 0.58), None, (LeadChange("2017-05-01", "termA"),), None)
    return a, b, together, head_to_head(a, b, 0.0)


def a_daily_rhythm_with_gaps() -> Compared:
    a = compared_term("pizza", [50 + index % 24 for index in range(168)], 60, timeframe="7d", flags=["gapsFilled"])
    b = compared_term("burger", [50 + index % 24 for index in range(168)], 61, timeframe="7d", label="termB")
    together = Together(Correlation(0.95, 0.93, 0.97), None, (), None)
    return a, b, together, head_to_head(a, b, 53.0)


def terms_that_are_scaled_apart() -> Compared:
    a = compared_term("amazon", [40 + index for index in range(52)], 95, scaled_apart=True, direction="rising")
    b = compared_term("costco", [70.0] * 52, 70, label="termB", scaled_apart=True)
    return a, b, None, None


def three_points() -> Compared:
    a = compared_term("a", [10, 20, 30], 30, confidence=45, direction="rising", windows=0, flags=["seriesTooShort"])
    b = compared_term("b", [30, 20, 30], 30, label="termB", windows=0, flags=["seriesTooShort"])
    return a, b, None, head_to_head(a, b, 50.0)


def all_zeros() -> Compared:
    a = compared_term("xqzvw", [0.0] * 52, 0, flags=["mostlyZero"], width=1)
    b = compared_term("wvzqx", [0.0] * 52, 0, flags=["mostlyZero"], width=1, label="termB")
    return a, b, Together(None, None, (), None), head_to_head(a, b, 50.0)


def a_lead_of_three_weeks() -> Compared:
    a = compared_term("bard", [40.0] * 30 + [38 - index / 2 for index in range(22)], 24, direction="falling")
    b = compared_term("gemini", [0.0] * 39 + [20.0 + index for index in range(13)], 30, label="termB")
    together = Together(None, LeadLag(-3, 0.456), (LeadChange("2024-12-16", "termB"),), None)
    return a, b, together, head_to_head(a, b, 88.04)


def a_season_that_both_share() -> Compared:
    yearly = [30 + 20 * math.cos(2 * math.pi * (index - 47) / 52) for index in range(156)]
    recurring = event("2023-11-19", 95.0, 44.0, recurring=True)
    a = compared_term(
        "gift cards",
        yearly,
        yearly[:26],
        timeframe="5y",
        start=FIVE_YEARS,
        direction="falling",
        confidence=80,
        insights=insights(
            season=season("late November", 20, "late May", -20),
            year=(48.0, 6.0),
            peaks=(recurring, event("2022-11-20", 80.0, 29.0, recurring=True)),
        ),
    )
    b = compared_term(
        "wrapping paper",
        [value / 4 for value in yearly],
        [value / 4 for value in yearly[:26]],
        label="termB",
        timeframe="5y",
        start=FIVE_YEARS,
        direction="falling",
        confidence=77,
        insights=insights(season=season("early December", 5, "early June", -5), year=(12.0, 3.0)),
    )
    together = Together(Correlation(0.4, 0.25, 0.53), None, (), True)
    return a, b, together, head_to_head(a, b, 1.0)


def a_close_race_of_opposites() -> Compared:
    a = compared_term(
        "left",
        [50.0 - 5 * (-1) ** index for index in range(90)],
        52,
        timeframe="3m",
        insights=insights(peaks=(event("2024-01-20", 90.0, 38.0),), season=season("Mondays", 6, "Saturdays", -4)),
    )
    b = compared_term(
        "right",
        [48.0 + 5 * (-1) ** index for index in range(90)],
        47,
        label="termB",
        timeframe="3m",
        insights=insights(peaks=(event("2024-01-20", 80.0, 33.0),)),
    )
    together = Together(Correlation(-0.66, -0.76, -0.53), None, (LeadChange("2024-03-29", "termA"),), False)
    return a, b, together, head_to_head(a, b, [15.0 + 2 * index for index in range(14)])


def two_levels_that_fell() -> Compared:
    a = compared_term(
        "arizona",
        [25.0 + index % 2 for index in range(30)] + [2.0] * 22,
        2,
        confidence=61,
        flags=["levelShift"],
        insights=insights(change_points=(ChangePoint("2024-07-29", 25.0, 2.0, True),)),
    )
    b = compared_term(
        "utah",
        [10.0 + index % 2 for index in range(25)] + [0.0] * 27,
        0.2,
        label="termB",
        confidence=60,
        flags=["mostlyZero"],
        insights=insights(change_points=(ChangePoint("2024-06-24", 10.0, 0.0, True),)),
    )
    return a, b, Together(Correlation(0.2, -0.08, 0.45), None, (), None), head_to_head(a, b, 4.0)


def zeros_that_are_scaled_apart() -> Compared:
    a = compared_term("xqzvw", [0.0] * 52, 0, flags=["mostlyZero"], width=1, scaled_apart=True)
    b = compared_term("wvzqx", [0.0] * 52, 0, flags=["mostlyZero"], width=1, label="termB", scaled_apart=True)
    return a, b, None, None
