from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.gateway.pages.operations.track_record.shares import percent
from services.gateway.pages.operations.track_record.view import (
    CONFIDENCE_HEADER,
    HEADER,
    TrackRecord,
    cells,
    confidence_cells,
    track_record,
)
from services.gateway.pages.words import TIMEFRAMES


def stats(forecasts: int = 40, **figures: float) -> jobs_pb2.TrustStats:
    given: dict[str, Any] = {
        "points": 25 * forecasts,
        "winner_right": 0.72,
        "direction_right": 0.61,
        "coverage80": 0.78,
        "coverage95": 0.95,
        "mae": 4.256,
        "mase": 0.9,
        **figures,
    }
    return jobs_pb2.TrustStats(forecasts=forecasts, **given)


def trust(overall: jobs_pb2.TrustStats, **timeframes: jobs_pb2.TrustStats) -> jobs_pb2.GetTrustStatsResponse:
    """As jobs answers: with every timeframe, in a fixed order."""
    period = jobs_pb2.TrustPeriod(
        overall=overall,
        timeframes=[
            jobs_pb2.TimeframeTrust(timeframe=name, stats=timeframes.get(f"t{name}", jobs_pb2.TrustStats()))
            for name in TIMEFRAMES
        ],
    )
    return jobs_pb2.GetTrustStatsResponse(total=period)


def confidence_bin(start: int, directions: int, said: float, came: float) -> operations_pb2.ConfidenceBin:
    return operations_pb2.ConfidenceBin(from_percent=start, directions=directions, said=said, came=came)


def weekly(
    *weeks: tuple[str, dict[str, jobs_pb2.TrustStats]], confidence: Sequence[operations_pb2.ConfidenceBin] = ()
) -> operations_pb2.GetTrackRecordResponse:
    return operations_pb2.GetTrackRecordResponse(
        confidence=confidence,
        weeks=[
            operations_pb2.TrackRecordWeek(
                week=week, timeframes=[jobs_pb2.TimeframeTrust(timeframe=name, stats=each) for name, each in by.items()]
            )
            for week, by in weeks
        ],
    )


def shown(*weeks: tuple[str, dict[str, jobs_pb2.TrustStats]], **timeframes: jobs_pb2.TrustStats) -> TrackRecord:
    found = track_record(trust(stats(), **timeframes), weekly(*weeks))
    assert found is not None
    return found


def test_nothing_scored_is_no_record() -> None:
    assert track_record(trust(jobs_pb2.TrustStats()), weekly()) is None


def test_rows_are_all_timeframes_then_those_with_scores() -> None:
    record = shown(t12m=stats(30), tall=stats(10))
    assert [row.name for row in record.rows] == ["All timeframes", "12 months, weekly", "All time, monthly"]
    assert [row.forecasts for row in record.rows] == [40, 30, 10]
    first = record.rows[0]
    assert (first.held80, first.held95, first.winner, first.direction) == ("78 %", "95 %", "72 %", "61 %")


@pytest.mark.parametrize(
    ("held80", "held95", "expected"),
    [
        (0.78, 0.95, ["the 80 % interval held 78: 2 fewer than said.", "the 95 % interval held 95: as said."]),
        (0.804, 0.99, ["the 80 % interval held 80: as said.", "the 95 % interval held 99: 4 more than said."]),
    ],
)
def test_what_the_intervals_held_is_said_against_what_they_promised(
    held80: float, held95: float, expected: list[str]
) -> None:
    record = track_record(trust(stats(coverage80=held80, coverage95=held95)), weekly())
    assert record is not None
    assert record.promises == [f"Of 100 values, {words}" for words in expected]


def test_forecasts_without_a_compared_value_have_no_calibration() -> None:
    record = track_record(trust(jobs_pb2.TrustStats(forecasts=3)), weekly())
    assert record is not None
    assert record.calibration is None
    assert record.promises == []
    assert (record.rows[0].winner, record.rows[0].mae) == ("", None)


def test_weeks_are_newest_first_and_weeks_between_are_gaps_of_the_chart() -> None:
    [weeks] = shown(("2026-11-02", {"12m": stats(3)}), ("2026-11-23", {"12m": stats(5)})).timeframes
    assert [(row.name, row.forecasts) for row in weeks.weeks] == [("2026-11-23", 5), ("2026-11-02", 3)]
    assert weeks.intervals is not None
    assert weeks.right is not None
    # Two dots for each of two lines.
    for chart in (weeks.intervals, weeks.right):
        assert chart.wide.count("<circle") == chart.narrow.count("<circle") == 4
    assert "80 % interval, said 80 %: 78 to 78 %" in weeks.intervals.wide


def test_one_week_has_a_table_and_no_chart() -> None:
    [weeks] = shown(("2026-11-02", {"7d": stats()})).timeframes
    assert (weeks.id, weeks.intervals, weeks.right) == ("7d", None, None)
    assert len(weeks.weeks) == 1


def test_timeframes_are_in_their_order() -> None:
    record = shown(("2026-11-02", {"all": stats(), "7d": stats()}), ("2026-11-09", {"5y": stats()}))
    assert [each.id for each in record.timeframes] == ["7d", "5y", "all"]


def test_ids_on_the_page_are_unique() -> None:
    record = shown(*((week, {"7d": stats(), "12m": stats()}) for week in ("2026-11-02", "2026-11-09")))
    charts = [chart for each in record.timeframes for chart in (each.intervals, each.right) if chart]
    ids = [f'id="{part}"' for chart in charts for size in (chart.wide, chart.narrow) for part in _ids(size)]
    assert len(ids) == len(set(ids)) == 2 * 2 * 2 * 3


def _ids(chart: str) -> list[str]:
    return [part.partition('"')[0] for part in chart.split(' id="')[1:]]


BINS = [confidence_bin(0, 1, 0.42, 0), confidence_bin(60, 1_200, 0.654, 0.5), confidence_bin(90, 3, 0.92, 1)]


def test_bins_of_confidence_say_what_was_said_and_what_came() -> None:
    record = track_record(trust(stats()), weekly(confidence=BINS))
    assert record is not None
    assert record.confidence is not None
    assert [(row.name, row.said, row.came, row.directions) for row in record.confidence.bins] == [
        ("Below 50 %", "42 %", "0 %", 1),
        ("60 to 70 %", "65 %", "50 %", 1_200),
        ("90 to 100 %", "92 %", "100 %", 3),
    ]
    for chart in (record.confidence.chart.wide, record.confidence.chart.narrow):
        assert chart.count("<circle") == 3


def test_without_bins_there_is_no_calibration_of_confidence() -> None:
    assert shown().confidence is None


def test_the_bins_of_confidence_as_cells() -> None:
    rows = confidence_cells(weekly(confidence=BINS))
    assert [len(row) for row in rows] == [len(CONFIDENCE_HEADER)] * 3
    assert rows[1] == ["60 to 70 %", 0.654, 0.5, 1_200]


def test_the_weeks_as_cells() -> None:
    rows = cells(weekly(("2026-11-02", {"7d": stats(), "12m": jobs_pb2.TrustStats(forecasts=1)})))
    assert [len(row) for row in rows] == [len(HEADER)] * 2
    assert rows[0] == ["2026-11-02", "7d", 40, 1000, 0.78, 0.95, 0.72, 0.61, 4.256, 0.9]
    assert rows[1] == ["2026-11-02", "12m", 1, 0, *[None] * 6]


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, "0 %"), (0.004, "<1 %"), (0.5, "50 %"), (0.99, "99 %"), (0.996, ">99 %"), (1, "100 %")],
)
def test_no_share_claims_all_or_none_unless_it_is(share: float, expected: str) -> None:
    assert percent(share) == expected
