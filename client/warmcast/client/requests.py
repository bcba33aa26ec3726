"""Builds the requests of both clients from plain arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

File = tuple[str, bytes]  # (name, content); the name may contain the place
Point = tuple[str, Sequence[float | None]]  # (ISO 8601 date, one value for each term, None if unknown)


def comparison(slug: str, timeframe: str, geo: str) -> jobs_pb2.ComparisonKey:
    """The key of a comparison."""
    return jobs_pb2.ComparisonKey(slug=slug, timeframe=timeframe, geo=geo)


def of_files(
    files: Iterable[File],
    *,
    timeframe: str = "",
    geo: str | None = None,
    terms: Sequence[str] = (),
    expected_slug: str = "",
    as_of: datetime | None = None,
    charset: str = "",
) -> jobs_pb2.IngestSnapshotRequest:
    """One export, or two with one term each."""
    sent = [jobs_pb2.TrendsFile(name=name, content=content, charset=charset) for name, content in files]
    return jobs_pb2.IngestSnapshotRequest(
        files=jobs_pb2.TrendsFiles(files=sent),
        timeframe=timeframe,
        geo=geo,
        terms=terms,
        expected_slug=expected_slug,
        as_of=as_of,
    )


def of_points(
    terms: Sequence[str],
    points: Iterable[Point],
    *,
    timeframe: str = "",
    geo: str = "",
    source: str = "",
    expected_slug: str = "",
    as_of: datetime | None = None,
) -> jobs_pb2.IngestSnapshotRequest:
    """A series of two terms."""
    sent = [
        jobs_pb2.SeriesPoint(
            date=date,
            values=[0.0 if value is None else value for value in values],
            missing=[index for index, value in enumerate(values) if value is None],
        )
        for date, values in points
    ]
    return jobs_pb2.IngestSnapshotRequest(
        series=jobs_pb2.Series(terms=terms, points=sent),
        timeframe=timeframe,
        geo=geo,
        source=source,
        expected_slug=expected_slug,
        as_of=as_of,
    )


def bulk(
    action: operations_pb2.BulkAction.ValueType, matching: operations_pb2.JobFilter | operations_pb2.CoverageFilter
) -> operations_pb2.PrepareBulkOperationRequest:
    """The request for an operation on all that match."""
    if isinstance(matching, operations_pb2.CoverageFilter):
        return operations_pb2.PrepareBulkOperationRequest(action=action, comparisons=matching)
    return operations_pb2.PrepareBulkOperationRequest(action=action, jobs=matching)


def snapshot_key(warmup: jobs_pb2.GetWarmupResponse) -> forecaster_pb2.SnapshotKey:
    """The key of the bundles of a comparison's current snapshot."""
    return forecaster_pb2.SnapshotKey(
        slug=warmup.slug,
        term_a=warmup.term_a,
        term_b=warmup.term_b,
        timeframe=warmup.timeframe,
        geo=warmup.geo,
        data_hash=warmup.data_hash,
        engine_version=warmup.job.engine_version,
    )
