"""Whole lists of sentences of made-up comparisons."""

# ruff: noqa: E501 - a sentence stands on one line

from __future__ import annotations

import pytest

from services.forecaster.engine.types import JsonObject
from services.forecaster.insights.interpretations.interpret import interpret
from tests.unit.forecaster.insights import comparisons
from tests.unit.forecaster.insights.compared import compared_term
from tests.unit.forecaster.insights.comparisons import Compared


def texts(compared: Compared) -> list[str]:
    return [each.text for each in interpret(*compared)]


def evidence(compared: Compared) -> list[tuple[str, str | None, JsonObject]]:
    return [(each.id, each.term, each.evidence) for each in interpret(*compared)]


def test_a_clear_leader_over_one_year() -> None:
    assert texts(comparisons.a_clear_leader_over_one_year()) == [
        "“amazon” is ahead of “costco”: 61 points against 31 in the week of 23 December 2024.",
        "“amazon” will almost certainly stay ahead over the next 13 weeks: its average is higher in 98 of 100 simulated futures, typically by 30 points.",
        "“costco” will very probably stay about level: 32 points on average over the next 13 weeks, as over the last 13 (confidence 75 %).",
        "Since the week of 1 January 2024, “amazon” has been ahead in all 52 weeks, with 62 points on average against 32.",
        "“amazon” will probably stay about level: 62 points on average over the next 13 weeks, as over the last 13 (confidence 60 %).",
        "Tested on the past, such forecasts missed by 3 points on average for both terms.",
    ]


def test_a_new_term_overtakes() -> None:
    assert texts(comparisons.a_new_term_overtakes()) == [
        "“gemini” is ahead of “bard”: 32 points against 28 in the week of 23 December 2024.",
        "“gemini” will probably stay ahead over the next 13 weeks: its average is higher in 88 of 100 simulated futures, typically by 10 points.",
        "Search interest in “gemini” took off in the week of 30 September 2024: from 0 to 26 points, with 13 weeks known since.",
        "“bard” will probably fall: 24 points on average over the next 13 weeks, against 30 over the last 13 (confidence 60 %).",
        "“gemini” may rise: 34 points on average over the next 13 weeks, against 26 over the last 13 (confidence 36 %).",
        "Since the week of 1 January 2024, “bard” has been ahead in 48 of 52 weeks and “gemini” in 3, with 37 points on average against 6.5.",
        "The lead changed once, in the week of 16 December 2024, when “gemini” passed “bard”.",
    ]


def test_two_seasons_of_five_years() -> None:
    assert texts(comparisons.two_seasons_of_five_years()) == [
        "“snow boots” is ahead of “sunscreen”: 48 points against 12 in the week of 21 December 2025.",
        "“sunscreen” has the better chance to be ahead over the next 26 weeks: its average is higher in 65 of 100 simulated futures, typically by 13 points.",
        "“sunscreen” is behind now, but will more likely than not be ahead from the week of 22 February 2026 on, in up to 90 of 100 simulated futures.",
        "“sunscreen” will very probably rise: 37 points on average over the next 26 weeks, against 23 over the last 26 (confidence 82 %).",
        "“snow boots” will very probably fall: 23 points on average over the next 26 weeks, against 37 over the last 26 (confidence 79 %).",
        "The rise of “sunscreen” looks seasonal: over the same 26 weeks a year before, it went from 23 to 37 points on average.",
        "The fall of “snow boots” looks seasonal: over the same 26 weeks a year before, it went from 37 to 23 points on average.",
        "Each term has a yearly season of its own: “sunscreen” is highest in early June (+20 points) and lowest in late November (−20 points), “snow boots” is highest in late November (+20 points) and lowest in early June (−20 points).",
    ]


def test_an_event_and_a_lead() -> None:
    assert texts(comparisons.an_event_and_a_lead()) == [
        "“trailer” is ahead of “movie tickets”: 22 points against 12 on 30 March 2024.",
        "“trailer” has the better chance to stay ahead over the next 14 days: its average is higher in 70 of 100 simulated futures, typically by 7 points.",
        "“trailer” stood out on 25 March 2024: at 95 points, 73 above what was usual then.",
        "“movie tickets” stood out on 27 March 2024, its largest event: at 60 points, 48 above what was usual then.",
        "Changes of “trailer” tend to precede those of “movie tickets” by 2 days, in the same direction (correlation 0.62).",
        "“movie tickets” will probably swing widely rather than rise or fall: 18 points on average over the next 14 days, after 10 to 60 over the last 14 (confidence 60 %).",
        "Since 1 January 2024, “trailer” has been ahead in 89 of 90 days, with 22 points on average against 12.",
        "“trailer” will probably stay about level: 25 points on average over the next 14 days, against 26 over the last 14 (confidence 55 %).",
    ]


def test_a_shift_and_a_trend_over_many_years() -> None:
    assert texts(comparisons.a_shift_and_a_trend_over_many_years()) == [
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
    assert texts(comparisons.a_daily_rhythm_with_gaps()) == [
        "“pizza” and “burger” are level: both at 73 points at 23:00 UTC on 7 January 2024.",
        "Who will be ahead over the next 48 hours is open: the average of “burger” is higher in 53 of 100 simulated futures.",
        "Both terms will probably stay about level over the next 48 hours: “pizza” at 60 points on average (confidence 60 %), “burger” at 61 points on average (confidence 60 %).",
        "From hour to hour, “pizza” and “burger” tend to move together: their changes have a correlation of 0.95 (95 % interval 0.93 to 0.97).",
        "Tested on the past, such forecasts missed by 3 points on average for both terms.",
        "Some of the 168 hours had no value and were interpolated.",
    ]


def test_terms_that_are_scaled_apart() -> None:
    assert texts(comparisons.terms_that_are_scaled_apart()) == [
        "Levels cannot be compared, so there is no leader: “amazon” and “costco” come from separate exports, each with a scale of its own (highest values 91 and 70 points).",
        "“amazon” will probably rise: 95 points on average over the next 13 weeks, against 85 over the last 13 (confidence 60 %).",
        "“costco” has not moved: it is at 70 points in all 52 weeks.",
        "“costco” will probably stay about level: 70 points on average over the next 13 weeks, as over the last 13 (confidence 60 %).",
    ]


def test_three_points() -> None:
    assert texts(comparisons.three_points()) == [
        "“a” and “b” are level: both at 30 points in the week of 15 January 2024.",
        "Who will be ahead over the next 13 weeks is open: the chances are even, 50 of 100 simulated futures each.",
        "Only 3 weeks are known, so the forecasts are uncertain: for 13 weeks ahead, at least 26 are needed.",
        "“a” may rise: 30 points on average over the next 13 weeks, against 20 over the last 3 (confidence 45 %).",
        "“b” may stay about level: 30 points on average over the next 13 weeks, against 27 over the last 3 (confidence 60 %).",
    ]


def test_all_zeros() -> None:
    assert texts(comparisons.all_zeros()) == [
        "“xqzvw” and “wvzqx” are level: both at 0 points in the week of 23 December 2024.",
        "Who will be ahead over the next 13 weeks is open: the chances are even, 50 of 100 simulated futures each.",
        "Both terms have too little search interest to measure most of the time: “xqzvw” is below 1 point in all 52 weeks, “wvzqx” in all 52 weeks.",
        "Tested on the past, such forecasts missed by 3 points on average for both terms.",
    ]


def test_terms_are_quoted_as_they_are_and_keep_the_order_of_the_sentence() -> None:
    a = compared_term("<script>alert('is')</script>", [10.0] * 20 + [31.0], 30)
    b = compared_term("كوستكو", [10.0] * 20 + [30.0], 30, label="termB")
    assert texts((a, b, None, None))[0] == (
        "“<script>alert('is')</script>” is ahead of “\u2068كوستكو\u2069”: 31 points against 30 in the week of 20 May 2024."
    )


def test_the_evidence_holds_the_numbers_of_the_sentences() -> None:
    assert evidence(comparisons.a_lead_of_three_weeks()) == [
        (
            "currentLeader",
            None,
            {"leader": "termB", "valueA": 27.5, "valueB": 32.0, "margin": 4.5, "date": "2024-12-23"},
        ),
        ("futureLeader", None, {"leader": "termB", "probability": 88.0, "margin": 6.0, "leadsNow": True, "steps": 13}),
        ("falling", "termA", {"steps": 13, "periods": 13, "recent": 30.5, "forecast": 24.0, "confidence": 60.0}),
        ("leadLag", None, {"leads": "termB", "lag": 3, "correlation": 0.46}),
        (
            "pastLeader",
            None,
            {
                "leader": "termA",
                "aheadA": 48,
                "aheadB": 3,
                "periods": 52,
                "meanA": 36.9,
                "meanB": 6.5,
                "since": "2024-01-01",
            },
        ),
        ("stable", "termB", {"steps": 13, "periods": 13, "recent": 26.0, "forecast": 30.0, "confidence": 60.0}),
        ("leadChanges", None, {"changes": 1, "lastDate": "2024-12-16", "leader": "termB"}),
    ]


def test_the_evidence_of_terms_that_are_scaled_apart() -> None:
    assert evidence(comparisons.terms_that_are_scaled_apart()) == [
        ("scaledApart", None, {"highestA": 91.0, "highestB": 70.0}),
        ("rising", "termA", {"steps": 13, "periods": 13, "recent": 85.0, "forecast": 95.0, "confidence": 60.0}),
        ("constant", "termB", {"value": 70.0, "periods": 52}),
        ("stable", "termB", {"steps": 13, "periods": 13, "recent": 70.0, "forecast": 70.0, "confidence": 60.0}),
    ]


def test_a_season_that_both_share() -> None:
    assert texts(comparisons.a_season_that_both_share()) == [
        "“gift cards” is ahead of “wrapping paper”: 48 points against 12 in the week of 24 December 2023.",
        "“gift cards” will almost certainly stay ahead over the next 26 weeks: its average is higher in 99 of 100 simulated futures, typically by 18 points.",
        "Both terms will very probably fall over the next 26 weeks: “gift cards” from 37 to 23 points on average (confidence 80 %), “wrapping paper” from 9.1 to 5.9 points on average (confidence 77 %).",
        "“gift cards” stands out near the same date of more than one year, most of all in the week of 19 November 2023: at 95 points, 44 above what was usual then.",
        "Both falls look seasonal: over the same 26 weeks a year before, “gift cards” went from 37 to 23 points and “wrapping paper” from 9.1 to 5.9 points on average.",
        "Both terms have the same yearly season: “gift cards” is highest in late November (+20 points) and lowest in late May (−20 points), “wrapping paper” is highest in early December (+5 points) and lowest in early June (−5 points).",
        "Since the week of 3 January 2021, “gift cards” has been ahead in all 156 weeks, with 30 points on average against 7.5.",
        "Both terms are higher than a year ago: “gift cards” at 48 points on average over the last 4 weeks, against 42, and “wrapping paper” at 12, against 9.",
    ]


def test_a_close_race_of_opposites() -> None:
    assert texts(comparisons.a_close_race_of_opposites()) == [
        "“left” is ahead of “right”: 55 points against 43 on 30 March 2024.",
        "“left” has the better chance to stay ahead over the next 14 days: its average is higher in 72 of 100 simulated futures, typically by 5 points.",
        "Both terms will probably stay about level over the next 14 days: “left” at 52 points on average (confidence 60 %), “right” at 47 points on average (confidence 60 %).",
        "From day to day, “left” and “right” tend to move in opposite directions: their changes have a correlation of −0.66 (95 % interval −0.76 to −0.53).",
        "The lead changed once, on 29 March 2024, when “left” passed “right”.",
        "“right” has its best chance on 13 April 2024: it is ahead then in 41 of 100 simulated futures.",
        "“left” has a weekly rhythm: it is highest on Mondays (+6 points) and lowest on Saturdays (−4 points).",
    ]


def test_two_levels_that_fell() -> None:
    assert texts(comparisons.two_levels_that_fell()) == [
        "“arizona” is ahead of “utah”: 2 points against 0 in the week of 23 December 2024.",
        "“arizona” will almost certainly stay ahead over the next 13 weeks: its average is higher in 96 of 100 simulated futures, typically by 1.8 points.",
        "Both terms fell to a lower level: “arizona” in the week of 29 July 2024 from 25 to 2 points, “utah” in the week of 24 June 2024 from 10 to 0 points.",
        "“utah” has too little search interest to measure in 27 of 52 weeks: it is below 1 point then.",
        "“arizona” will probably stay about level: 2 points on average over the next 13 weeks, as over the last 13 (confidence 61 %).",
        "Since the week of 1 January 2024, “arizona” has been ahead in all 52 weeks, with 16 points on average against 5.",
    ]


def test_zeros_that_are_scaled_apart() -> None:
    assert texts(comparisons.zeros_that_are_scaled_apart()) == [
        "Levels cannot be compared, so there is no leader: “xqzvw” and “wvzqx” come from separate exports, each with a scale of its own (highest values 0 and 0 points).",
        "Both terms have too little search interest to measure most of the time: “xqzvw” is below 1 point in all 52 weeks, “wvzqx” in all 52 weeks.",
        "Whether there is a yearly season cannot be known: that needs 104 weeks, and 52 weeks are known.",
    ]


def test_the_least_important_sentences_are_left_out_where_terms_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = texts(comparisons.two_seasons_of_five_years())
    monkeypatch.setattr("services.forecaster.insights.interpretations.interpret.MAX_CHARACTERS", 700)
    assert texts(comparisons.two_seasons_of_five_years()) == whole[:5]
    monkeypatch.setattr("services.forecaster.insights.interpretations.interpret.MAX_CHARACTERS", 1)
    assert texts(comparisons.two_seasons_of_five_years()) == whole[:3]
