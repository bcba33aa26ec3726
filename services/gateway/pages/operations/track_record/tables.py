"""The track record as tables for a spreadsheet. Shares are from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterator

from warmcast.jobs.v1 import operations_pb2

_EVERY = "all"  # engine versions, where the table is not of one
# Field of Accuracy, and its name.
_SHARES = (
    ("interval80", "in 80 % interval"),
    ("interval95", "in 95 % interval"),
    ("winner", "winner right"),
    ("direction", "direction right"),
    ("confidence", "direction with a confidence right"),
)
HEADER = (
    *("week", "timeframe", "engine version", "forecasts"),
    *(f"{share}{part}" for _, share in _SHARES for part in ("", " from", " to", " count")),
    *("mean confidence", "mae", "mase"),
)
CONFIDENCE_HEADER = (
    *("timeframe", "engine version", "confidence", "said", "came true", "came true from", "came true to"),
    *("directions", "forecasts"),
)


def cells(record: operations_pb2.GetTrackRecordResponse, engine_version: str) -> list[list[object]]:
    """The weeks of each timeframe, under HEADER."""
    return [
        [week.week, each.timeframe, engine_version or _EVERY, *_accuracy(each.accuracy)]
        for week in record.weeks
        for each in week.by_timeframe
    ]


def confidence_cells(record: operations_pb2.GetTrackRecordResponse, engine_version: str) -> list[list[object]]:
    """The bins of confidence of each timeframe, under CONFIDENCE_HEADER."""
    return [
        [
            *(each.timeframe, engine_version or _EVERY, bin_name(of.from_percent)),
            *(round(value, 4) for value in (of.share.said, of.share.came, of.share.low, of.share.high)),
            *(of.share.count, of.share.forecasts),
        ]
        for each in record.by_timeframe
        for of in each.accuracy.confidence_bins
    ]


def bin_name(start: int) -> str:
    """The name of a bin of confidence."""
    return f"{start} to {start + 10} %" if start else "Below 50 %"


def _accuracy(of: operations_pb2.Accuracy) -> Iterator[object]:
    yield of.forecasts
    for name, _ in _SHARES:
        share: operations_pb2.Share = getattr(of, name)
        yield from (round(value, 4) if share.count else None for value in (share.came, share.low, share.high))
        yield share.count
    yield round(of.confidence.said, 4) if of.confidence.count else None
    yield round(of.mae, 4) if of.HasField("mae") else None
    yield round(of.mase, 4) if of.HasField("mase") else None
