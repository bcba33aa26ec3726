from __future__ import annotations

from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common.errors import WarmcastError
from services.gateway.pages.operations.track_record.filter import fields, selected
from services.gateway.pages.operations.track_record.shares import percent
from services.gateway.pages.operations.track_record.tables import CONFIDENCE_HEADER, HEADER, cells, confidence_cells
from services.gateway.pages.operations.track_record.view import TrackRecord, track_record

BINS = ((0, 1, 0.42, 0.0), (60, 1_200, 0.654, 0.5), (90, 3, 0.92, 1.0))


def share(came: float, count: int = 1_000, *, said: float | None = None, reach: float = 0.05) -> pb.Share:
    low, high = max(came - reach, 0), min(came + reach, 1)
    return pb.Share(count=count, forecasts=count, came=came, low=low, high=high, said=said)


def accuracy(forecasts: int = 40, **given: Any) -> pb.Accuracy:
    """Shares may be given as numbers."""
    shares = {"interval80": 0.78, "interval95": 0.95, "winner": 0.72, "direction": 0.61} | given
    counts = {"winner": forecasts, "direction": 2 * forecasts}
    for name, value in shares.items():
        if isinstance(value, float):
            shares[name] = share(value, counts.get(name, 25 * forecasts))
    return pb.Accuracy(forecasts=forecasts, **{"mae": 4.256, "mase": 0.9} | shares)  # type: ignore[arg-type]


def bins(*each: tuple[int, int, float, float]) -> list[pb.ConfidenceShare]:
    """Bins of (start, directions, said, came)."""
    return [
        pb.ConfidenceShare(from_percent=start, share=share(came, count, said=said)) for start, count, said, came in each
    ]


def timeframes(by: dict[str, pb.Accuracy]) -> list[pb.TimeframeAccuracy]:
    return [pb.TimeframeAccuracy(timeframe=name, accuracy=each) for name, each in by.items()]


def record(
    total: pb.Accuracy, *weeks: tuple[str, pb.Accuracy, dict[str, pb.Accuracy]], **by: pb.Accuracy
) -> pb.GetTrackRecordResponse:
    """As jobs answers; `by` has the totals of timeframes, as `t12m`."""
    return pb.GetTrackRecordResponse(
        total=total,
        by_timeframe=timeframes({name[1:]: each for name, each in by.items()}),
        weeks=[
            pb.TrackRecordWeek(week=week, total=of_all, by_timeframe=timeframes(of_each))
            for week, of_all, of_each in weeks
        ],
        engine_versions=["10", "9"],
    )


def trust(forecasts: int = 500) -> jobs_pb2.GetTrustStatsResponse:
    """The scores since the first one, all of a year."""
    stats = jobs_pb2.TrustStats(forecasts=forecasts, winner_right=0.72)
    period = jobs_pb2.TrustPeriod(overall=stats, timeframes=[jobs_pb2.TimeframeTrust(timeframe="12m", stats=stats)])
    return jobs_pb2.GetTrustStatsResponse(total=period)


SCORED = record(
    accuracy(confidence=share(0.6, 200, said=0.65), confidence_bins=bins(*BINS)),
    ("2026-11-02", accuracy(3), {"12m": accuracy(3)}),
    ("2026-11-23", accuracy(5, confidence=share(0.6, 9, said=0.7)), {"12m": accuracy(4), "7d": accuracy(1)}),
    t7d=accuracy(1),
    t12m=accuracy(39),
)


def shown(found: pb.GetTrackRecordResponse = SCORED, **given: str) -> TrackRecord:
    of = track_record(found, given)
    assert of is not None
    return of


def test_nothing_scored_is_no_record() -> None:
    assert track_record(record(pb.Accuracy()), {}) is None


def test_rows_are_all_timeframes_then_those_with_scores_which_lead_to_their_own_record() -> None:
    rows = shown(engine="10").rows
    assert [(row.name, row.forecasts) for row in rows] == [
        ("All timeframes", 40),
        ("7 days, hourly", 1),
        ("12 months, weekly", 39),
    ]
    assert [row.path for row in rows] == ["", *(f"/ops/track-record?engine=10&tf={tf}" for tf in ("7d", "12m"))]


def test_the_record_of_a_timeframe_has_one_row() -> None:
    of = shown(tf="12m", engine="10")
    assert [row.name for row in of.rows] == ["12 months, weekly"]
    assert of.of == "12 months, weekly, engine version 10"


def test_each_share_has_its_interval_and_count() -> None:
    of = shown().rows[0]
    assert [(each.share, each.reach, each.count) for each in of.figures if each] == [
        ("78 %", "73 to 83 %", 1_000),
        ("95 %", "90 to 100 %", 1_000),
        ("72 %", "67 to 77 %", 40),
        ("61 %", "56 to 66 %", 80),
    ]


@pytest.mark.parametrize(
    ("held", "reach", "verdict"),
    [
        (0.78, 0.05, "held 78 (73 to 83 with the uncertainty): no clear difference from what was said."),
        (0.78, 0.01, "held 78 (77 to 79 with the uncertainty): 2 fewer than said."),
        (0.86, 0.01, "held 86 (85 to 87 with the uncertainty): 6 more than said."),
        (0.804, 0.3, "held 80 (50 to 100 with the uncertainty): as said."),
    ],
)
def test_a_promise_is_judged_by_its_uncertainty(held: float, reach: float, verdict: str) -> None:
    [promise, _] = shown(record(accuracy(interval80=share(held, reach=reach)), WEEK)).promises
    assert promise == f"Of 100 values, the 80 % interval {verdict}"


WEEK = ("2026-11-02", accuracy(1), {"12m": accuracy(1)})


def test_weeks_are_newest_first_and_weeks_between_are_gaps_of_the_charts() -> None:
    weeks = shown().weeks
    assert [(row.name, row.forecasts) for row in weeks.rows] == [("2026-11-23", 5), ("2026-11-02", 3)]
    for chart in (weeks.intervals, weeks.right):
        assert chart is not None
        # Two dots for each of two lines.
        assert chart.wide.count("<circle") == chart.narrow.count("<circle") == 4
    assert weeks.intervals is not None
    assert "80 % interval, said 80 %: 78 to 78 %" in weeks.intervals.wide
    assert weeks.confidence is not None
    assert "Came true: 60 to 60 %, last 60 %. Confidence: 70 to 70 %, last 70 %." in weeks.confidence.wide


def test_one_week_has_a_table_and_no_chart() -> None:
    weeks = shown(record(accuracy(), WEEK)).weeks
    assert (weeks.intervals, weeks.right, weeks.confidence, len(weeks.rows)) == (None, None, None, 1)


def test_weeks_without_a_confidence_have_no_chart_of_it() -> None:
    weeks = shown(record(accuracy(), WEEK, ("2026-11-09", accuracy(), {}))).weeks
    assert weeks.intervals is not None
    assert weeks.confidence is None
    assert [(row.said, row.confidence) for row in weeks.rows] == [("", None)] * 2


def test_ids_on_the_page_are_unique() -> None:
    of = shown()
    assert of.confidence is not None
    charts = [of.calibration, of.confidence.chart, of.weeks.intervals, of.weeks.right, of.weeks.confidence]
    ids = [part for chart in charts if chart for size in (chart.wide, chart.narrow) for part in _ids(size)]
    assert len(ids) == len(set(ids)) == 5 * 2 * 3


def _ids(chart: str) -> list[str]:
    return [part.partition('"')[0] for part in chart.split(' id="')[1:]]


def test_bins_of_confidence_say_what_was_said_and_what_came() -> None:
    of = shown().confidence
    assert of is not None
    assert [(row.name, row.said, row.came.share, row.came.count) for row in of.bins] == [
        ("Below 50 %", "42 %", "0 %", 1),
        ("60 to 70 %", "65 %", "50 %", 1_200),
        ("90 to 100 %", "92 %", "100 %", 3),
    ]
    for chart in (of.chart.wide, of.chart.narrow):
        assert chart.count("<circle") == 3


def test_without_bins_there_is_no_calibration_of_confidence() -> None:
    assert shown(record(accuracy(), WEEK)).confidence is None


def test_the_weeks_as_cells() -> None:
    rows = cells(SCORED, "10")
    assert [row[:4] for row in rows] == [
        ["2026-11-02", "12m", "10", 3],
        ["2026-11-23", "12m", "10", 4],
        ["2026-11-23", "7d", "10", 1],
    ]
    named = dict(zip(HEADER, rows[0], strict=True))
    assert named["in 80 % interval"] == 0.78
    assert (named["winner right from"], named["winner right to"], named["winner right count"]) == (0.67, 0.77, 3)
    assert (named["direction with a confidence right"], named["mean confidence"], named["mae"]) == (None, None, 4.256)


def test_the_bins_of_confidence_as_cells() -> None:
    rows = confidence_cells(record(accuracy(), t12m=accuracy(confidence_bins=bins(*BINS))), "")
    assert [len(row) for row in rows] == [len(CONFIDENCE_HEADER)] * 3
    assert rows[1] == ["12m", "all", "60 to 70 %", 0.654, 0.5, 0.45, 0.55, 1_200, 1_200]


def test_the_form_offers_the_versions_with_scores_and_the_one_given() -> None:
    timeframe, engine = fields({"tf": "12m", "engine": "8"}, ["10", "9"])
    assert (timeframe.value, engine.value) == ("12m", "8")
    assert [value for value, _ in engine.options] == ["10", "9", "8"]


def test_an_unknown_timeframe_is_refused() -> None:
    assert selected({"tf": "12M", "engine": "9"}) == ("12m", "9")
    with pytest.raises(WarmcastError):
        selected({"tf": "1y"})


@pytest.mark.parametrize(
    ("of", "expected"),
    [(0, "0 %"), (0.004, "<1 %"), (0.5, "50 %"), (0.99, "99 %"), (0.996, ">99 %"), (1, "100 %")],
)
def test_no_share_claims_all_or_none_unless_it_is(of: float, expected: str) -> None:
    assert percent(of) == expected
