"""The bodies of coverage: which comparisons are warm, and how often they were requested."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.comparison import TIMEFRAMES
from services.common.rpc.job_status import status_name
from services.gateway.bodies.fields import (
    REF,
    Geo,
    Moment,
    NextCursor,
    Slug,
    Status,
    Terms,
    Timeframe,
    one_of,
    timestamp,
)

STATES = ("fresh", "stale", "cold")
FILTER_STATES = (*STATES, "failed")
MOST_COUNTED = 10_000


class CoveredComparison(msgspec.Struct, rename="camel"):
    """One comparison, and the state of its forecasts."""

    slug: Slug
    terms: Terms
    timeframe: Timeframe
    geo: Geo
    data_hash: str
    state: Annotated[str, one_of(STATES)]
    status: Annotated[Status | None, Meta(description="of the current snapshot's job; null without one")]
    job_id: int | None
    last_ready_at: Moment | None
    fresh_until: Annotated[
        Moment | None, Meta(description="as far as the job knows; the cache may have lost them earlier")
    ]
    warm_until: Annotated[Moment | None, Meta(description="served stale until then")]
    demand: Annotated[float, Meta(description="requests, halved every half week")]
    last_requested_at: Moment | None


class CoverageList(msgspec.Struct, rename="camel"):
    """One page of coverage."""

    comparisons: Annotated[list[CoveredComparison], Meta(description="most popular first")]
    next_cursor: NextCursor


class CoverageCount(msgspec.Struct):
    """How many comparisons are warm."""

    comparisons: Annotated[int, Meta(description=f"up to {MOST_COUNTED:,}, as the others")]
    fresh: int
    stale: int
    cold: int
    capped: Annotated[bool, Meta(description=f"there are {MOST_COUNTED:,} or more")]


_BY_TIMEFRAME = {
    "properties": {name: {"$ref": REF.format(name="CoverageCount")} for name in TIMEFRAMES},
    "required": list(TIMEFRAMES),
}


class CoverageSummary(msgspec.Struct):
    """Counts in all and by timeframe."""

    all: CoverageCount
    requested: Annotated[CoverageCount, Meta(description="those requested in the last 7 d")]
    timeframes: Annotated[
        dict[str, CoverageCount], Meta(description="all, by timeframe", extra_json_schema=_BY_TIMEFRAME)
    ]


def coverage_list(page: operations_pb2.ListCoverageResponse) -> CoverageList:
    """The body of one page."""
    return CoverageList([_covered(row) for row in page.comparisons], page.next_page_token or None)


def coverage_summary(row: operations_pb2.GetCoverageSummaryResponse) -> CoverageSummary:
    """The body of the counts."""
    counted = {each.timeframe: each.count for each in row.timeframes}
    none = operations_pb2.CoverageCount()
    return CoverageSummary(
        _count(row.all), _count(row.requested), {name: _count(counted.get(name, none)) for name in TIMEFRAMES}
    )


def _covered(row: operations_pb2.CoveredComparison) -> CoveredComparison:
    comparison = row.comparison
    known = row.status != jobs_pb2.JOB_STATUS_UNSPECIFIED
    return CoveredComparison(
        slug=comparison.slug,
        terms=tuple(comparison.terms),
        timeframe=comparison.timeframe,
        geo=comparison.geo,
        data_hash=comparison.data_hash,
        state=row.state,
        status=status_name(row.status) if known else None,
        job_id=row.job_id or None,
        last_ready_at=timestamp(row, "last_ready_at"),
        fresh_until=timestamp(row, "fresh_until"),
        warm_until=timestamp(row, "warm_until"),
        demand=row.demand,
        last_requested_at=timestamp(row, "last_requested_at"),
    )


def _count(row: operations_pb2.CoverageCount) -> CoverageCount:
    return CoverageCount(row.comparisons, row.fresh, row.stale, row.cold, row.comparisons >= MOST_COUNTED)
