"""The body of the track record over time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import operations_pb2

from services.gateway.bodies.fields import Share


class ScoredShare(msgspec.Struct):
    """A share of what forecasts said, with its 95 % interval, which takes values of one forecast as dependent."""

    count: Annotated[int, Meta(description="values, forecasts or directions")]
    forecasts: Annotated[int, Meta(description="that these are of")]
    came: Annotated[Share, Meta(description="share that came true")]
    low: Annotated[Share, Meta(description="lower end of its interval")]
    high: Annotated[Share, Meta(description="upper end of its interval")]
    said: Annotated[Share | None, Meta(description="mean probability that forecasts gave; null if they gave none")]


class ConfidenceBin(msgspec.Struct, rename="camel"):
    """Directions of a similar confidence."""

    from_percent: Annotated[int, Meta(description="0, 50, 60, 70, 80 or 90; the bin ends below the next one")]
    share: ScoredShare


class Accuracy(msgspec.Struct, rename="camel"):
    """How forecasts did, each of two terms. Null where nothing was scored."""

    forecasts: int
    interval80: Annotated[ScoredShare | None, Meta(description="of values, those inside")]
    interval95: ScoredShare | None
    winner: Annotated[ScoredShare | None, Meta(description="of forecasts that predicted a winner; no ties")]
    direction: Annotated[ScoredShare | None, Meta(description="of directions, right ones")]
    confidence: Annotated[ScoredShare | None, Meta(description="of directions with a confidence, right ones")]
    confidence_bins: Annotated[list[ConfidenceBin], Meta(description="the same by confidence; bins with scores")]
    mae: Annotated[float | None, Meta(description="mean over terms, in points of the scale of each forecast")]
    mase: Annotated[float | None, Meta(description="mean over terms that have one")]


ByTimeframe = Annotated[dict[str, Accuracy], Meta(description="timeframes with scores")]


class TrackRecordWeek(msgspec.Struct):
    """The forecasts that were scored in one week."""

    week: Annotated[str, Meta(description="date of its Monday, UTC")]
    total: Accuracy
    timeframes: ByTimeframe


class TrackRecord(msgspec.Struct, rename="camel"):
    """The forecasts that were scored in the last year."""

    total: Accuracy
    timeframes: ByTimeframe
    weeks: Annotated[list[TrackRecordWeek], Meta(description="those with scores, oldest first, at most 53")]
    engine_versions: Annotated[list[str], Meta(description="with scores, newest first, whatever was selected")]


def track_record(row: operations_pb2.GetTrackRecordResponse) -> TrackRecord:
    """The body of the track record."""
    weeks = [TrackRecordWeek(each.week, _accuracy(each.total), _timeframes(each.by_timeframe)) for each in row.weeks]
    return TrackRecord(_accuracy(row.total), _timeframes(row.by_timeframe), weeks, list(row.engine_versions))


def _timeframes(rows: Iterable[operations_pb2.TimeframeAccuracy]) -> dict[str, Accuracy]:
    return {each.timeframe: _accuracy(each.accuracy) for each in rows}


def _accuracy(row: operations_pb2.Accuracy) -> Accuracy:
    shares = {
        name: _share(getattr(row, name)) if row.HasField(name) else None
        for name in ("interval80", "interval95", "winner", "direction", "confidence")
    }
    return Accuracy(
        forecasts=row.forecasts,
        **shares,
        confidence_bins=[ConfidenceBin(each.from_percent, _share(each.share)) for each in row.confidence_bins],
        mae=row.mae if row.HasField("mae") else None,
        mase=row.mase if row.HasField("mase") else None,
    )


def _share(row: operations_pb2.Share) -> ScoredShare:
    said = row.said if row.HasField("said") else None
    return ScoredShare(row.count, row.forecasts, row.came, row.low, row.high, said)
