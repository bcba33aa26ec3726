"""What the console shows of each comparison."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.comparison import ComparisonKey
from services.common.rpc.job_status import status_name
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.links import Links
from services.gateway.pages.operations.jobs.filter import jobs_of
from services.gateway.pages.words import Named, geo_name, names_of


@dataclass(frozen=True)
class CoverageRow:
    """One row of the list."""

    id: str  # unique on the page
    names: tuple[Named, Named]
    path: str  # of the comparison's page
    timeframe: str
    geo: str
    state: str
    because: str  # why it is stale; empty otherwise
    until: datetime | None  # how long that state lasts; of a cold one, when it began
    until_words: str  # what happens then
    status: str  # of the job; empty without one
    job: str  # its address
    jobs: str  # address of all jobs of the comparison
    demand: float
    requested_at: datetime | None


def coverage_row(covered: operations_pb2.CoveredComparison) -> CoverageRow:
    """The row of one comparison."""
    row = covered.comparison
    key = ComparisonKey(row.slug, row.timeframe, row.geo)
    until_words, until = _until(covered)
    return CoverageRow(
        id=f"{row.slug}-{row.timeframe}-{row.geo}",
        names=names_of((row.terms[0], row.terms[1])),
        path=Links.of(key).page,
        timeframe=row.timeframe,
        geo=geo_name(row.geo),
        state=covered.state,
        because=covered.stale_because.replace("-", " "),
        until=until,
        until_words=until_words,
        status=_status(covered),
        job=f"/ops/jobs/{covered.job_id}" if covered.job_id else "",
        jobs=jobs_of(key),
        demand=covered.demand,
        requested_at=timestamp(covered, "last_requested_at"),
    )


HEADER = (
    *(
        "slug",
        "term a",
        "term b",
        "timeframe",
        "geo",
        "state",
        "stale because",
        "fresh until",
        "served until",
        "last ready",
    ),
    *("job id", "job status", "demand", "last requested", "data hash", "points", "updated"),
)


def cells(covered: operations_pb2.CoveredComparison) -> list[object]:
    """The same for a spreadsheet, under HEADER."""
    row = covered.comparison
    return [
        *(row.slug, *row.terms, row.timeframe, row.geo, covered.state, covered.stale_because),
        *(timestamp(covered, name) for name in ("fresh_until", "warm_until", "last_ready_at")),
        *(covered.job_id or None, _status(covered), round(covered.demand, 3), timestamp(covered, "last_requested_at")),
        *(row.data_hash, row.points, timestamp(row, "updated_at")),
    ]


def _until(covered: operations_pb2.CoveredComparison) -> tuple[str, datetime | None]:
    fresh_until, warm_until = timestamp(covered, "fresh_until"), timestamp(covered, "warm_until")
    if covered.state == "fresh":
        return "fresh until", fresh_until
    if covered.state == "stale":
        return "served until", warm_until
    ready_at = timestamp(covered, "last_ready_at")
    return ("last ready", ready_at) if ready_at else ("never computed", None)


def _status(covered: operations_pb2.CoveredComparison) -> str:
    known = covered.status != jobs_pb2.JOB_STATUS_UNSPECIFIED
    return status_name(covered.status) if known else ""
