"""protobuf → domain, for the requests of the jobs service. Every error is INVALID_ARGUMENT and names the field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import grpc
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import operations_pb2

from services.common.comparison import (
    ComparisonKey,
    canonical_slug,
    invalid,
    parse_geo,
    parse_timeframe,
    term_slug,
)
from services.common.job_status import JobStatus
from services.common.plain_text import has_control_characters
from services.common.rpc import metadata
from services.common.rpc.job_status import FROM_PROTO
from services.common.telemetry import trace_context
from services.jobs.application.importer import ImportRequest
from services.jobs.domain.comparison import ComparisonSearch
from services.jobs.domain.job import EnqueueReason
from services.jobs.domain.operations import Actor
from services.jobs.domain.queue import JobFilter
from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.points import read_points
from services.jobs.ingest.table import Table

_MAX_BATCH = 100
_MAX_DEMAND = 1000
_MAX_COUNT = 100_000  # of one comparison in one report: a gateway at 2,000/s reports every 50 s at the latest
_MAX_PAGE = 200
_DEFAULT_PAGE = 50
_MAX_QUERY = 200
_MAX_WORD = 100
_MAX_REASON = 500  # characters
_REASONS = {
    pb.ENQUEUE_REASON_FIRST_CALL: EnqueueReason.FIRST_CALL,
    pb.ENQUEUE_REASON_REFRESH: EnqueueReason.REFRESH,
    pb.ENQUEUE_REASON_CACHE_LOST: EnqueueReason.CACHE_LOST,
}

Context = grpc.aio.ServicerContext[Any, Any]  # of any messages


def comparison_key(key: pb.ComparisonKey) -> ComparisonKey:
    """A key, checked and in its canonical form."""
    return ComparisonKey.parse(key.slug, key.timeframe, key.geo)


def comparison_keys(request: pb.BatchGetWarmupsRequest) -> list[ComparisonKey]:
    """The keys of a batch, in order."""
    if len(request.keys) > _MAX_BATCH:
        raise invalid("keys", f"more than {_MAX_BATCH} comparisons in one call")
    return [comparison_key(key) for key in request.keys]


def enqueue_reason(reason: pb.EnqueueReason.ValueType) -> EnqueueReason:
    """Why a caller enqueues."""
    if reason not in _REASONS:
        raise invalid("reason", "the reason is missing")
    return _REASONS[reason]


def demand(request: pb.ReportDemandRequest) -> dict[ComparisonKey, int]:
    """Calls by comparison; several counts of one comparison are added up."""
    if len(request.demand) > _MAX_DEMAND:
        raise invalid("demand", f"more than {_MAX_DEMAND} comparisons in one report")
    counts: dict[ComparisonKey, int] = {}
    for each in request.demand:
        key = comparison_key(each.key)
        counts[key] = counts.get(key, 0) + bounded("count", each.count, _MAX_COUNT)
    return counts


def job_filter(request: pb.ListJobsRequest | pb.RequeueJobsRequest | operations_pb2.JobFilter) -> JobFilter:
    """A filter of jobs; what is not set matches every job."""
    by_state = JobFilter(
        status=_status(request.status),
        slug=canonical_slug(request.slug) if request.slug else None,
        older_than=_seconds("older_than_seconds", request.older_than_seconds),
        newer_than=_seconds("newer_than_seconds", request.newer_than_seconds),
    )
    if isinstance(request, pb.RequeueJobsRequest):
        return by_state
    return replace(
        by_state,
        timeframe=parse_timeframe(request.timeframe).name if request.timeframe else None,
        geo=parse_geo(request.geo) if request.HasField("geo") else None,
        reason=_reason_of_episode(request.reason) if request.reason else None,
        error_reason=word("error_reason", request.error_reason),
        engine_version=word("engine_version", request.engine_version),
    )


def actor(context: Context, reason: str) -> Actor:
    """Who makes this call, and the reason that they give."""
    return Actor(
        metadata.operator(context.invocation_metadata()), operator_reason(reason), trace_context.request_id.get()
    )


def operator_reason(text: str) -> str:
    """Why an operator acts: one line."""
    if len(text) > _MAX_REASON:
        raise invalid("reason", f"the reason has {len(text):,} characters; at most {_MAX_REASON} are kept")
    if has_control_characters(text):
        raise invalid("reason", "the reason has control characters, such as a line break; write it in one line")
    return text.strip()


def comparison_search(query: str, slug: str = "") -> ComparisonSearch | None:
    """Which comparisons to list; None where nothing can match, because nothing of the query is part of a slug."""
    if len(query) > _MAX_QUERY:
        raise invalid("query", f"query is longer than {_MAX_QUERY} characters")
    beginning = term_slug(query)
    if query.strip() and not beginning:
        return None
    return ComparisonSearch(beginning, canonical_slug(slug) if slug else "")


def word(field: str, text: str) -> str | None:
    """A text to compare with; None where it is empty."""
    if len(text) > _MAX_WORD or "\0" in text:
        raise invalid(field, f"{field} is longer than {_MAX_WORD} characters, or has a NUL character")
    return text or None


def page_size(size: int, *, maximum: int = _MAX_PAGE) -> int:
    """How many rows a page has; 0 is the default."""
    return bounded("page_size", size or _DEFAULT_PAGE, maximum)


def bounded(field: str, value: int, maximum: int) -> int:
    """`value`, if it is from 1 to `maximum`."""
    if not 1 <= value <= maximum:
        raise invalid(field, f"{field} is {value}; it must be from 1 to {maximum}")
    return value


def import_request(request: pb.IngestSnapshotRequest, expected_data_hash: str = "") -> ImportRequest:
    """How the tables of an import are interpreted."""
    return ImportRequest(
        timeframe=request.timeframe,
        geo=_geo(request),
        terms=tuple(request.terms),
        expected_slug=request.expected_slug,
        as_of=request.as_of.ToDatetime(tzinfo=UTC) if request.HasField("as_of") else None,
        source=request.source or ("api" if request.WhichOneof("input") == "series" else "google-trends-csv"),
        expected_data_hash=expected_data_hash,
    )


def expected_data_hash(request: pb.IngestPreviewedRequest) -> str:
    """The hash of the data that a preview showed."""
    if not request.data_hash:
        raise invalid("data_hash", "the hash of the preview is missing")
    return request.data_hash


def read_tables(request: pb.IngestSnapshotRequest) -> list[Table]:
    """The files or the series of an import, parsed. Takes up to seconds of CPU; call it in a thread."""
    if request.WhichOneof("input") == "files":
        return [
            read_trends_csv(file.content, file.name, pick=request.terms, geo=_geo(request), charset=file.charset)
            for file in request.files.files
        ]
    if request.WhichOneof("input") == "series":
        return [read_points(request.series.terms, [(point.date, _values(point)) for point in request.series.points])]
    raise invalid("input", "there is neither a file nor a series in the request")


def _geo(request: pb.IngestSnapshotRequest) -> str | None:
    return request.geo if request.HasField("geo") else None


def _values(point: pb.SeriesPoint) -> list[float | None]:
    missing = set(point.missing)
    return [None if index in missing else value for index, value in enumerate(point.values)]


def _status(number: pb.JobStatus.ValueType) -> JobStatus | None:
    """The status to filter by; None: any. A status of a newer release is refused: without it, more jobs would match."""
    if number == pb.JOB_STATUS_UNSPECIFIED:
        return None
    if number not in FROM_PROTO:
        raise invalid("status", f"status {number} is unknown; the statuses are: {', '.join(JobStatus)}")
    return FROM_PROTO[number]


def _reason_of_episode(text: str) -> str:
    try:
        return EnqueueReason(text).value
    except ValueError:
        raise invalid("reason", f"the reasons are: {', '.join(EnqueueReason)}") from None


def _seconds(field: str, value: int) -> timedelta | None:
    if value < 0 or value > 10**9:
        raise invalid(field, f"{field} is out of range")
    return timedelta(seconds=value) if value else None
