"""The bodies of coverage: which comparisons are warm, and how often they were requested."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.comparison import TIMEFRAMES
from services.common.freshness import FRESHNESS_FILTERS, Staleness
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
FILTER_STATES = (*FRESHNESS_FILTERS, "failed")
MOST_COUNTED = 10_000


class CoveredComparison(msgspec.Struct, rename="camel"):
    """One comparison, and the state of its forecasts."""

    slug: Slug
    terms: Terms
    timeframe: Timeframe
    geo: Geo
    data_hash: str
    state: Annotated[str, one_of(STATES)]
    stale_because: Annotated[
        Annotated[str, one_of(Staleness)] | None,
        Meta(
            description="why forecasts are stale: they are over 24 h old; an older engine made them; "
            "only the snapshot before the current one has forecasts. Null unless stale"
        ),
    ]
    status: Annotated[Status | None, Meta(description="of the current snapshot's job; null without one")]
    job_id: int | None
    last_ready_at: Moment | None
    fresh_until: Annotated[
        Moment | None,
        Meta(
            description="as far as the job knows; the cache may have lost them earlier. "
            "Null if an older engine made them"
        ),
    ]
    warm_until: Annotated[Moment | None, Meta(description="served stale until then")]
    demand: Annotated[float, Meta(description="requests, halved every half week")]
    last_requested_at: Moment | None


EngineVersion = Annotated[
    str | None,
    Meta(description="the newest of the forecasters, by which states are judged; null before one has answered"),
]


class CoverageList(msgspec.Struct, rename="camel"):
    """One page of coverage."""

    comparisons: Annotated[list[CoveredComparison], Meta(description="most popular first")]
    engine_version: EngineVersion
    next_cursor: NextCursor


class CoverageCount(msgspec.Struct, rename="camel"):
    """How many comparisons are warm."""

    comparisons: Annotated[int, Meta(description=f"up to {MOST_COUNTED:,}, as the others")]
    fresh: int
    stale: Annotated[int, Meta(description="the sum of the next three")]
    stale_age: int
    stale_engine_version: int
    stale_snapshot: int
    cold: int
    capped: Annotated[bool, Meta(description=f"there are {MOST_COUNTED:,} or more")]


_BY_TIMEFRAME = {
    "properties": {name: {"$ref": REF.format(name="CoverageCount")} for name in TIMEFRAMES},
    "required": list(TIMEFRAMES),
}


class CoverageSummary(msgspec.Struct, rename="camel"):
    """Counts in all and by timeframe."""

    all: CoverageCount
    requested: Annotated[CoverageCount, Meta(description="those requested in the last 7 d")]
    timeframes: Annotated[
        dict[str, CoverageCount], Meta(description="all, by timeframe", extra_json_schema=_BY_TIMEFRAME)
    ]
    engine_version: EngineVersion


def coverage_list(page: operations_pb2.ListCoverageResponse) -> CoverageList:
    """The body of one page."""
    rows = [covered(row) for row in page.comparisons]
    return CoverageList(rows, page.engine_version or None, page.next_page_token or None)


def coverage_summary(row: operations_pb2.GetCoverageSummaryResponse) -> CoverageSummary:
    """The body of the counts."""
    counted = {each.timeframe: each.count for each in row.timeframes}
    none = operations_pb2.CoverageCount()
    return CoverageSummary(
        _count(row.all),
        _count(row.requested),
        {name: _count(counted.get(name, none)) for name in TIMEFRAMES},
        row.engine_version or None,
    )


def covered(row: operations_pb2.CoveredComparison) -> CoveredComparison:
    """The body of one comparison."""
    comparison = row.comparison
    known = row.status != jobs_pb2.JOB_STATUS_UNSPECIFIED
    return CoveredComparison(
        slug=comparison.slug,
        terms=tuple(comparison.terms),
        timeframe=comparison.timeframe,
        geo=comparison.geo,
        data_hash=comparison.data_hash,
        state=row.state,
        stale_because=row.stale_because or None,
        status=status_name(row.status) if known else None,
        job_id=row.job_id or None,
        last_ready_at=timestamp(row, "last_ready_at"),
        fresh_until=timestamp(row, "fresh_until"),
        warm_until=timestamp(row, "warm_until"),
        demand=row.demand,
        last_requested_at=timestamp(row, "last_requested_at"),
    )


def _count(row: operations_pb2.CoverageCount) -> CoverageCount:
    counts = {name: getattr(row, name) for name in CoverageCount.__struct_fields__ if name != "capped"}
    return CoverageCount(**counts, capped=row.comparisons >= MOST_COUNTED)
