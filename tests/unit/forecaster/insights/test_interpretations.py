"""Whole lists of sentences of made-up comparisons."""

# ruff: noqa: E501 - a sentence stands on one line

from __future__ import annotations

import math
from datetime import UTC, datetime

from services.forecaster.engine.types import JsonObject
from services.forecaster.insights.interpretations.compared_term import ComparedTerm
from services.forecaster.insights.interpretations.interpret import interpret
from services.forecaster.insights.types import ChangePoint, Correlation, LeadChange, LeadLag, Together
from tests.unit.forecaster.insights.compared import compared_term, event, head_to_head, insights, season

FIVE_YEARS = datetime(2021, 1, 3, tzinfo=UTC)


def texts(
    a: ComparedTerm, b: ComparedTerm, together: Together | None = None, compared: JsonObject | None = None
) -> list[str]:
    return [each.text for each in interpret(a, b, together, compared)]


def evidence(
    a: ComparedTerm, b: ComparedTerm, together: Together | None = None, compared: JsonObject | None = None
) -> list[tuple[str, str | None, JsonObject]]:
    return [(each.id, each.term, each.evidence) for each in interpret(a, b, together, compared)]


def test_a_clear_leader_over_one_year() -> None:
    a = compared_term("amazon", [60 + index % 5 for index in range(52)], 62)
    b = compared_term("costco", [31 + index % 3 for index in range(52)], 32, label="termB", confidence=75)
    assert texts(a, b, Together(Correlation(0.05, -0.2, 0.25), None, (), None), head_to_head(a, b, 2.0)) == [
        "“amazon” is ahead of “costco”: 61 points against 31 in the week of 23 December 2024.",
        "“amazon” will almost certainly stay ahead over the next 13 weeks: its average is higher in 98 of 100 simulated futures, typically by 30 points.",
        "Both terms will probably stay about level over the next 13 weeks: “amazon” at 62 points on average (confidence 60 %), “costco” at 32 points on average (confidence 75 %).",
        "Since the week of 1 January 2024, “amazon” has been ahead in all 52 weeks, with 62 points on average against 32.",
        "Tested on the past, such forecasts missed by 3 points on average for both terms.",
        "From week to week, “amazon” and “costco” move almost independently: their changes have a correlation of 0.05 (95 % interval −0.20 to 0.25).",
    ]


def test_a_new_term_overtakes() -> None:
    a = compared_term("bard", [40.0] * 30 + [38 - index / 2 for index in range(22)], 24, direction="falling")
    rising = [0.0] * 39 + [20.0 + index for index in range(13)]
    b = compared_term(
        "gemini",
        rising,
        [28 + index for index in range(13)],
        label="termB",
        direction="rising",
        confidence=36,
        insights=insights(change_points=(ChangePoint("2024-09-30", 0.0, 26.0, True),)),
    )
    together = Together(None, None, (LeadChange("2024-12-16", "termB"),), None)
    assert texts(a, b, together, head_to_head(a, b, 88.0)) == [
        "“gemini” is ahead of “bard”: 32 points against 28 in the week of 23 December 2024.",
        "“gemini” will probably stay ahead over the next 13 weeks: its average is higher in 88 of 100 simulated futures, typically by 10 points.",
        "“gemini” started in the week of 30 September 2024: it went from 0 to 26 points and has 13 weeks of history since.",
        "“bard” will probably fall: 24 points on average over the next 13 weeks, against 30 over the last 13 (confidence 60 %).",
        "“gemini” may rise: 34 points on average over the next 13 weeks, against 26 over the last 13 (confidence 36 %).",
        "Since the week of 1 January 2024, “bard” has been ahead in 48 of 52 weeks, with 37 points on average against 6.5.",
        "The lead changed once, in the week of 16 December 2024, when “gemini” passed “bard”.",
        "Tested on the past, such forecasts missed by 3 points on average for both terms.",
    ]


def test_two_seasons_of_five_years() -> None:
    yearly = [30 + 20 * math.cos(2 * math.pi * (index - 47) / 52) for index in range(260)]
    a = compared_term(
        "sunscreen",
        [60 - value for value in yearly],
        [60 - value for value in yearly[:26]],
        timeframe="5y",
        start=FIVE_YEARS,
        direction="rising",
        confidence=82,
        insights=insights(season=season("early June", 20, "late November", -20), year=(12.0, 0.5), trend=[30.0] * 260),
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
    assert texts(a, b, together, head_to_head(a, b, chances)) == [
        "“snow boots” is ahead of “sunscreen”: 48 points against 12 in the week of 21 December 2025.",
        "“sunscreen” has the better chance to be ahead over the next 26 weeks: its average is higher in 65 of 100 simulated futures, typically by 13 points.",
        "“sunscreen” is behind now, but more likely ahead than “snow boots” from the week of 22 February 2026 on, in up to 90 of 100 simulated futures.",
        "“sunscreen” will very probably rise: 37 points on average over the next 26 weeks, against 23 over the last 26 (confidence 82 %).",
        "“snow boots” will very probably fall: 23 points on average over the next 26 weeks, against 37 over the last 26 (confidence 79 %).",
        "The rise of “sunscreen” looks seasonal: over the same 26 weeks a year before, it went from 23 to 37 points on average.",
        "The fall of “snow boots” looks seasonal: over the same 26 weeks a year before, it went from 37 to 23 points on average.",
        "The terms have different yearly seasons: “sunscreen” is highest in early June (+20 points) and lowest in late November (−20 points), “snow boots” is highest in late November (+20 points) and lowest in early June (−20 points).",
    ]


def test_an_event_and_a_lead() -> None:
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
    assert texts(a, b, together, head_to_head(a, b, 30.0)) == [
        "“trailer” is ahead of “movie tickets”: 22 points against 12 on 30 March 2024.",
        "“trailer” has the better chance to stay ahead over the next 14 days: its average is higher in 70 of 100 simulated futures, typically by 7 points.",
        "“trailer” stood out on 25 March 2024: it was at 95 points, 73 above what was usual then.",
        "“movie tickets” stood out most of all (2 such events) on 27 March 2024: it was at 60 points, 48 above what was usual then.",
        "Changes of “trailer” tend to precede those of “movie tickets” by 2 days, in the same direction (correlation 0.62).",
        "“movie tickets” swings widely, between 10 and 60 points over the last 14 days, around no clear direction: the forecast average is 18 points.",
        "Since 1 January 2024, “trailer” has been ahead in 89 of 90 days, with 22 points on average against 12.",
        "“trailer” will probably stay about level: 25 points on average over the next 14 days, against 26 over the last 14 (confidence 55 %).",
    ]


def test_a_shift_and_a_trend_over_many_years() -> None:
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
    assert texts(a, b, together, head_to_head(a, b, 0.0)) == [
        "“python” is ahead of “perl”: 79 points against 30 in November 2023.",
        "“python” will almost certainly stay ahead over the next 12 months: its average is higher in more than 99 of 100 simulated futures, typically by 55 points.",
        "“python” will very probably rise: 83 points on average over the next 12 months, against 78 over the last 12 (confidence 71 %).",
        "Since January 2009, “perl” has been ahead in 100 of 179 months.",
        "“perl” will probably stay about level: 28 points on average over the next 12 months, against 30 over the last 12 (confidence 60 %).",
        "The lead changed once, in May 2017, when “python” passed “perl”.",
        "“python” is higher than a year ago: 79 points on average over the last 4 months, against 75.",
        "The trend of “python”, season aside, rose from 20 to 80 points since January 2009.",
    ]


def test_a_daily_rhythm_with_gaps() -> None:
    a = compared_term("pizza", [50 + index % 24 for index in range(168)], 60, timeframe="7d", flags=["gapsFilled"])
    b = compared_term("burger", [50 + index % 24 for index in range(168)], 61, timeframe="7d", label="termB")
    together = Together(Correlation(0.95, 0.93, 0.97), None, (), None)
    assert texts(a, b, together, head_to_head(a, b, 53.0)) == [
        "“pizza” and “burger” are level: both at 73 points at 23:00 UTC on 7 January 2024.",
        "Who will be ahead over the next 48 hours is open: the average of “burger” is higher in 53 of 100 simulated futures.",
        "Both terms will probably stay about level over the next 48 hours: “pizza” at 60 points on average (confidence 60 %), “burger” at 61 points on average (confidence 60 %).",
        "From hour to hour, “pizza” and “burger” tend to move together: their changes have a correlation of 0.95 (95 % interval 0.93 to 0.97).",
        "Tested on the past, such forecasts missed by 3 points on average for both terms.",
        "Some of the 168 hours had no value and were interpolated.",
    ]


def test_terms_that_are_scaled_apart() -> None:
    a = compared_term("amazon", [40 + index for index in range(52)], 95, scaled_apart=True, direction="rising")
    b = compared_term("costco", [70.0] * 52, 70, label="termB", scaled_apart=True)
    assert texts(a, b) == [
        "Levels cannot be compared, so there is no leader: “amazon” and “costco” come from separate exports, each scaled by itself (their highest values are 91 and 70).",
        "“amazon” will probably rise: 95 points on average over the next 13 weeks, against 85 over the last 13 (confidence 60 %).",
        "“costco” has not moved: it is at 70 points in all 52 weeks.",
        "“costco” will probably stay about level: 70 points on average over the next 13 weeks, as over the last 13 (confidence 60 %).",
        "Tested on the past, such forecasts missed by 3 points on average for both terms.",
    ]


def test_three_points() -> None:
    a = compared_term("a", [10, 20, 30], 30, confidence=45, direction="rising", windows=0, flags=["seriesTooShort"])
    b = compared_term("b", [30, 20, 30], 30, label="termB", windows=0, flags=["seriesTooShort"])
    assert texts(a, b, None, head_to_head(a, b, 50.0)) == [
        "“a” and “b” are level: both at 30 points in the week of 15 January 2024.",
        "Who will be ahead over the next 13 weeks is open: the chances are even, 50 of 100 simulated futures each.",
        "Only 3 weeks are known, so the forecasts are uncertain: for 13 weeks ahead, at least 26 are needed.",
        "“a” will probably rise: 30 points on average over the next 13 weeks, against 20 over the last 3 (confidence 45 %).",
        "“b” will probably stay about level: 30 points on average over the next 13 weeks, against 27 over the last 3 (confidence 60 %).",
    ]


def test_all_zeros() -> None:
    a = compared_term("xqzvw", [0.0] * 52, 0, flags=["mostlyZero"], width=1)
    b = compared_term("wvzqx", [0.0] * 52, 0, flags=["mostlyZero"], width=1, label="termB")
    assert texts(a, b, Together(None, None, (), None), head_to_head(a, b, 50.0)) == [
        "“xqzvw” and “wvzqx” are level: both at 0 points in the week of 23 December 2024.",
        "Who will be ahead over the next 13 weeks is open: the chances are even, 50 of 100 simulated futures each.",
        "“xqzvw” has too little search interest to measure: it is below 1 point in all 52 weeks.",
        "“wvzqx” has too little search interest to measure: it is below 1 point in all 52 weeks.",
        "Both terms will probably stay about level over the next 13 weeks: “xqzvw” at 0 points on average (confidence 60 %), “wvzqx” at 0 points on average (confidence 60 %).",
        "Tested on the past, such forecasts missed by 3 points on average for both terms.",
    ]


def test_terms_are_quoted_as_they_are_and_keep_the_order_of_the_sentence() -> None:
    a = compared_term("<script>alert('is')</script>", [10.0] * 20 + [31.0], 30)
    b = compared_term("كوستكو", [10.0] * 20 + [30.0], 30, label="termB")
    assert texts(a, b)[0] == (
        "“<script>alert('is')</script>” is ahead of “\u2068كوستكو\u2069”: 31 points against 30 in the week of 20 May 2024."
    )


def test_the_evidence_holds_the_numbers_of_the_sentences() -> None:
    a = compared_term("bard", [40.0] * 30 + [38 - index / 2 for index in range(22)], 24, direction="falling")
    b = compared_term("gemini", [0.0] * 39 + [20.0 + index for index in range(13)], 30, label="termB")
    together = Together(None, LeadLag(-3, 0.456), (LeadChange("2024-12-16", "termB"),), None)
    assert evidence(a, b, together, head_to_head(a, b, 88.04)) == [
        (
            "currentLeader",
            None,
            {"leader": "termB", "valueA": 27.5, "valueB": 32.0, "margin": 4.5, "date": "2024-12-23"},
        ),
        ("futureLeader", None, {"leader": "termB", "probability": 88.0, "margin": 6.0, "leadsNow": True, "steps": 13}),
        ("falling", "termA", {"steps": 13, "recent": 30.5, "forecast": 24.0, "confidence": 60.0}),
        ("leadLag", None, {"leads": "termB", "steps": 3, "correlation": 0.46}),
        (
            "pastLeader",
            None,
            {"leader": "termA", "ahead": 48, "periods": 52, "meanA": 36.9, "meanB": 6.5, "since": "2024-01-01"},
        ),
        ("stable", "termB", {"steps": 13, "recent": 26.0, "forecast": 30.0, "confidence": 60.0}),
        ("leadChanges", None, {"changes": 1, "lastDate": "2024-12-16", "leader": "termB"}),
        ("accuracy", None, {"errorA": 3.0, "errorB": 3.0, "windowsA": 5, "windowsB": 5}),
    ]


def test_the_evidence_of_terms_that_are_scaled_apart() -> None:
    a = compared_term("amazon", [40 + index for index in range(52)], 95, scaled_apart=True, direction="rising")
    b = compared_term("costco", [70.0] * 52, 70, label="termB", scaled_apart=True)
    assert evidence(a, b) == [
        ("scaledApart", None, {"highestA": 91.0, "highestB": 70.0}),
        ("rising", "termA", {"steps": 13, "recent": 85.0, "forecast": 95.0, "confidence": 60.0}),
        ("constant", "termB", {"value": 70.0, "periods": 52}),
        ("stable", "termB", {"steps": 13, "recent": 70.0, "forecast": 70.0, "confidence": 60.0}),
        ("accuracy", None, {"errorA": 3.0, "errorB": 3.0, "windowsA": 5, "windowsB": 5}),
    ]
