"""Filters of jobs and of coverage, from a query or a JSON body."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from starlette.datastructures import QueryParams
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.comparison import canonical_slug, invalid, parse_geo, parse_timeframe
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.common.rpc.job_status import TO_PROTO
from services.gateway.bodies.operators.coverage import FILTER_STATES
from services.gateway.routes.requests import parameters


class JobFilterBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Which jobs; what is missing is any. An empty geo is worldwide."""

    status: str | None = None
    slug: str | None = None
    tf: str | None = None
    geo: str | None = None
    reason: str | None = None
    error_reason: str | None = None
    engine_version: str | None = None
    older_than: str | None = None
    newer_than: str | None = None


class CoverageFilterBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which comparisons; what is missing is any. An empty geo is worldwide."""

    state: str | None = None
    q: str | None = None
    tf: str | None = None
    geo: str | None = None
    requested: bool = False


NAMES = JobFilterBody.__struct_encode_fields__


def from_query(query: QueryParams) -> JobFilterBody:
    """The filter in a query, whose timeframe may also be called `timeframe`."""
    fields = zip(JobFilterBody.__struct_fields__, NAMES, strict=True)
    given = {field: parameters.single(query, name) for field, name in fields}
    return JobFilterBody(**{**given, "tf": parameters.timeframe(query)})


def job_filter(given: JobFilterBody) -> operations_pb2.JobFilter:
    """The filter as a message. Raises WarmcastError that names the field."""
    return operations_pb2.JobFilter(
        status=_status(given.status) if given.status else jobs_pb2.JOB_STATUS_UNSPECIFIED,
        slug=canonical_slug(given.slug) if given.slug else "",
        timeframe=parse_timeframe(given.tf).name if given.tf else "",
        geo=None if given.geo is None else parse_geo(given.geo),
        reason=given.reason or "",
        error_reason=given.error_reason or "",
        engine_version=given.engine_version or "",
        older_than_seconds=parameters.parse_age("olderThan", given.older_than),
        newer_than_seconds=parameters.parse_age("newerThan", given.newer_than),
    )


def bulk_filter(query: QueryParams, body: JobFilterBody | None, others: Collection[str]) -> operations_pb2.JobFilter:
    """The filter of a bulk operation on jobs, from the query or from the body. It must name something.

    A name that is not known is refused, because without it the operation would change other jobs than meant. `others`
    are parameters that are no filter.
    """
    _refuse_others(query, (*NAMES, "timeframe", *others), NAMES)
    in_query = from_query(query)
    if body is not None and in_query != JobFilterBody():
        raise _twice()
    found = job_filter(body or in_query)
    if found == operations_pb2.JobFilter():
        raise invalid("filter", f"name at least one of {', '.join(NAMES)}, such as status=failed")
    return found


def bulk_coverage_filter(
    query: QueryParams, body: CoverageFilterBody | None, others: Collection[str]
) -> operations_pb2.CoverageFilter:
    """The same for an operation on comparisons."""
    names = CoverageFilterBody.__struct_fields__
    _refuse_others(query, (*names, "timeframe", *others), names)
    in_query = coverage_from_query(query)
    if body is not None and in_query != CoverageFilterBody():
        raise _twice()
    found = coverage_filter(body or in_query)
    if found == operations_pb2.CoverageFilter():
        raise invalid("filter", f"name at least one of {', '.join(names)}, such as state=cold")
    return found


def list_request(matching: operations_pb2.JobFilter, *, limit: int, cursor: str) -> jobs_pb2.ListJobsRequest:
    """The request for one page of jobs that match."""
    return jobs_pb2.ListJobsRequest(
        status=matching.status,
        slug=matching.slug,
        timeframe=matching.timeframe,
        geo=matching.geo if matching.HasField("geo") else None,
        reason=matching.reason,
        error_reason=matching.error_reason,
        engine_version=matching.engine_version,
        older_than_seconds=matching.older_than_seconds,
        newer_than_seconds=matching.newer_than_seconds,
        page_size=limit,
        page_token=cursor,
    )


def coverage_from_query(query: QueryParams) -> CoverageFilterBody:
    """The filter of comparisons in a query, whose timeframe may also be called `timeframe`."""
    return CoverageFilterBody(
        state=parameters.single(query, "state"),
        q=parameters.single(query, "q"),
        tf=parameters.timeframe(query),
        geo=parameters.single(query, "geo"),
        requested=parameters.flag(query, "requested"),
    )


def coverage_filter(given: CoverageFilterBody) -> operations_pb2.CoverageFilter:
    """The filter as a message. Raises WarmcastError that names the field."""
    if given.state and given.state not in FILTER_STATES:
        raise invalid("state", f"state must be one of {', '.join(FILTER_STATES)}")
    return operations_pb2.CoverageFilter(
        state=given.state or "",
        query=given.q or "",
        timeframe=parse_timeframe(given.tf).name if given.tf else "",
        geo=None if given.geo is None else parse_geo(given.geo),
        requested=given.requested,
    )


def _refuse_others(query: QueryParams, known: Collection[str], filters: Collection[str]) -> None:
    for name in query:
        if name not in known:
            raise invalid(name, f"{name[:50]} is not a parameter of this route; a filter may have {', '.join(filters)}")


def _twice() -> WarmcastError:
    return invalid("filter", "the filter is in the query and in the body; send one")


def _status(text: str) -> jobs_pb2.JobStatus.ValueType:
    if text not in set(JobStatus):
        raise invalid("status", f"status must be one of {', '.join(JobStatus)}")
    return TO_PROTO[JobStatus(text)]
