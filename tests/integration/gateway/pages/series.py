"""Series that fake jobs return for pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.jobs.v1 import jobs_pb2

from tests.integration.gateway.data import HASH

TERMS = ("amazon", "costco")


def detail(
    terms: tuple[str, str] = TERMS,
    points: int = 52,
    last_values: tuple[float, float] = (55, 62),
    start: datetime = datetime(2025, 1, 5, tzinfo=UTC),
    **more: Any,
) -> jobs_pb2.GetComparisonResponse:
    """A comparison over weeks with those last values."""
    return jobs_pb2.GetComparisonResponse(
        comparison=jobs_pb2.Comparison(
            slug="amazon-vs-costco", terms=terms, timeframe="12m", geo="", data_hash=HASH, points=points
        ),
        points=[
            jobs_pb2.ComparisonPoint(
                time=_stamp(start + timedelta(weeks=week)), value_a=40 + week % 7, value_b=50 + week % 5
            )
            for week in range(points)
        ],
        signals_a=jobs_pb2.TermSignals(trend="flat", last_value=last_values[0]),
        signals_b=jobs_pb2.TermSignals(trend="flat", last_value=last_values[1]),
        source="test",
        **more,
    )


def _stamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
