"""domain → protobuf, for the track record."""

from __future__ import annotations

from collections.abc import Mapping

from warmcast.jobs.v1 import operations_pb2 as pb

from services.jobs.domain.accuracy import Accuracy, Share, TrackRecordReport


def track_record(of: TrackRecordReport) -> pb.GetTrackRecordResponse:
    """The track record of a year, in all, by timeframe and by week."""
    return pb.GetTrackRecordResponse(
        total=_accuracy(of.total.total),
        by_timeframe=_by_timeframe(of.total.timeframes),
        weeks=[
            pb.TrackRecordWeek(
                week=monday.isoformat(),
                total=_accuracy(week.total),
                by_timeframe=_by_timeframe(week.timeframes),
            )
            for monday, week in of.weeks.items()
        ],
        engine_versions=of.engine_versions,
    )


def _by_timeframe(of: Mapping[str, Accuracy]) -> list[pb.TimeframeAccuracy]:
    return [pb.TimeframeAccuracy(timeframe=name, accuracy=_accuracy(each)) for name, each in of.items()]


def _accuracy(of: Accuracy) -> pb.Accuracy:
    return pb.Accuracy(
        forecasts=of.forecasts,
        interval80=_share(of.interval80),
        interval95=_share(of.interval95),
        winner=_share(of.winner),
        direction=_share(of.direction),
        confidence=_share(of.confidence),
        confidence_bins=[pb.ConfidenceShare(from_percent=start, share=_share(each)) for start, each in of.bins.items()],
        mae=of.mae,
        mase=of.mase,
    )


def _share(of: Share | None) -> pb.Share | None:
    if of is None:
        return None
    return pb.Share(count=of.count, forecasts=of.forecasts, came=of.came, low=of.low, high=of.high, said=of.said)
