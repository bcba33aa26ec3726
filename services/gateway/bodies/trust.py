"""The body of the track record."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import TIMEFRAMES
from services.gateway.bodies.fields import REF, Share


def _share(description: str) -> Meta:
    return Meta(description=f"share, 0 to 1, {description}")


class TrustStats(msgspec.Struct, rename="camel"):
    """Null where nothing was scored yet."""

    forecasts: Annotated[int, Meta(description="scored forecasts, each of two terms")]
    points: Annotated[int, Meta(description="compared dates of both terms")]
    winner_right: Annotated[Share | None, _share("of forecasts that predicted the term with the higher mean; no ties")]
    direction_right: Annotated[Share | None, _share("of terms whose direction was predicted")]
    coverage80: Annotated[Share | None, _share("of points inside the 80 % interval")]
    coverage95: Annotated[Share | None, _share("of points inside the 95 % interval")]
    mae: Annotated[float | None, Meta(description="mean absolute error over terms, in points of the forecast's scale")]
    mase: Annotated[
        float | None, Meta(description="mean over terms of MAE divided by the mean one-step change of the history")
    ]


_BY_TIMEFRAME = {
    "properties": {name: {"$ref": REF.format(name="TrustStats")} for name in TIMEFRAMES},
    "required": list(TIMEFRAMES),
}


class TrustPeriod(msgspec.Struct, rename="camel"):
    """The forecasts that were scored in one period."""

    overall: TrustStats
    timeframes: Annotated[
        dict[str, TrustStats], Meta(description="the same by timeframe", extra_json_schema=_BY_TIMEFRAME)
    ]


class Trust(msgspec.Struct, rename="camel"):
    """Forecasts by the time at which they were scored."""

    total: TrustPeriod
    last90_days: TrustPeriod


def trust(row: jobs_pb2.GetTrustStatsResponse) -> Trust:
    """The body of the track record: in total and of the last 90 days."""
    return Trust(_trust_period(row.total), _trust_period(row.last_90_days))


def _trust_period(period: jobs_pb2.TrustPeriod) -> TrustPeriod:
    return TrustPeriod(
        _trust_stats(period.overall), {each.timeframe: _trust_stats(each.stats) for each in period.timeframes}
    )


def _trust_stats(stats: jobs_pb2.TrustStats) -> TrustStats:
    measured = {
        name: getattr(stats, name) if stats.HasField(name) else None
        for name in ("winner_right", "direction_right", "coverage80", "coverage95", "mae", "mase")
    }
    return TrustStats(stats.forecasts, stats.points, **measured)
