"""The limits by method: each names a method that there is, and its largest valid request fits."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import MAX_TERM_LENGTH, MAX_TERM_SLUG_LENGTH
from services.common.rpc.limits import MAX_MESSAGE_BYTES, REQUEST_LIMITS, SMALL, request_limit
from services.common.rpc.services import FORECASTER, JOBS
from services.jobs.ingest.limits import MAX_BYTES

_LETTER = "𐌀"  # four bytes
_SLUG = f"{_LETTER * MAX_TERM_SLUG_LENGTH}-vs-{_LETTER * MAX_TERM_SLUG_LENGTH}"
_COMPARISON = jobs_pb2.ComparisonKey(slug=_SLUG, timeframe="12m", geo="US-NY-501")
_SNAPSHOT = forecaster_pb2.SnapshotKey(
    slug=_SLUG,
    term_a=_LETTER * MAX_TERM_LENGTH,
    term_b=_LETTER * MAX_TERM_LENGTH,
    timeframe="12m",
    geo="US-NY-501",
    data_hash="0" * 16,
    engine_version="0" * 100,
)
_POINTS = 5_000
_IMPORT = jobs_pb2.IngestSnapshotRequest(
    files=jobs_pb2.TrendsFiles(files=[jobs_pb2.TrendsFile(name="x" * 1_000, content=bytes(MAX_BYTES))] * 2)
)
_LARGEST: dict[str, Message] = {
    f"/{JOBS.name}/IngestSnapshot": _IMPORT,
    f"/{JOBS.name}/PreviewSnapshot": jobs_pb2.PreviewSnapshotRequest(snapshot=_IMPORT),
    f"/{JOBS.name}/IngestPreviewed": jobs_pb2.IngestPreviewedRequest(snapshot=_IMPORT, data_hash="0" * 16),
    f"/{JOBS.name}/BatchGetWarmups": jobs_pb2.BatchGetWarmupsRequest(keys=[_COMPARISON] * 100),
    f"/{JOBS.name}/ReportDemand": jobs_pb2.ReportDemandRequest(
        demand=[jobs_pb2.Demand(key=_COMPARISON, count=2**31)] * 1_000
    ),
    f"/{FORECASTER.name}/GenerateForecasts": forecaster_pb2.GenerateForecastsRequest(
        key=_SNAPSHOT,
        times=[Timestamp(seconds=2**33, nanos=1)] * _POINTS,
        values_a=[0.1] * _POINTS,
        values_b=[0.1] * _POINTS,
    ),
    f"/{FORECASTER.name}/GetForecasts": forecaster_pb2.GetForecastsRequest(keys=[_SNAPSHOT] * 100),
    f"/{FORECASTER.name}/CheckForecasts": forecaster_pb2.CheckForecastsRequest(keys=[_SNAPSHOT] * 500),
}


def test_each_limit_is_of_a_method_that_there_is() -> None:
    pool = descriptor_pool.Default()
    for method in REQUEST_LIMITS:
        service, name = method.strip("/").split("/")
        assert name in pool.FindServiceByName(service).methods_by_name
    assert request_limit("/warmcast.jobs.v1.JobsService/GetWarmup") == SMALL


@pytest.mark.parametrize("method", REQUEST_LIMITS)
def test_the_largest_valid_request_fits(method: str) -> None:
    largest, limit = _LARGEST[method].ByteSize(), REQUEST_LIMITS[method]
    assert largest <= limit.max_bytes <= MAX_MESSAGE_BYTES


def test_what_may_be_held_at_once_fits_the_memory_of_a_service() -> None:
    held = sum(limit.max_bytes * limit.at_once for limit in REQUEST_LIMITS.values() if limit.at_once)
    assert held <= 128 * 1024 * 1024
