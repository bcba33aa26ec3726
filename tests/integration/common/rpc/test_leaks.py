"""An error of a driver in each RPC of the services: the caller gets a status without the driver's text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import psycopg
import pytest
import redis
from structlog.testing import capture_logs
from warmcast.forecaster.v1 import forecaster_pb2, forecaster_pb2_grpc
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc, operations_pb2, operations_pb2_grpc

from services.common import errors
from services.common.rpc.client.channel import open_channel
from services.common.rpc.server.interceptors import standard_interceptors
from services.common.rpc.server.server import Server
from services.common.rpc.services import FORECASTER, JOBS, OPERATIONS
from services.common.rpc.status import from_rpc_error
from services.forecaster.rpc.servicer import ForecasterServicer
from services.forecaster.workers.pool import Pool
from services.jobs.application.enqueue import Enqueuer
from services.jobs.application.operations.bulk import Bulk
from services.jobs.application.operations.schedules import Schedules
from services.jobs.application.refresher import Refresher
from services.jobs.rpc.operations.servicer import OperationsServicer
from services.jobs.rpc.servicer import JobsServicer
from tests.integration.forecaster import parts

SECRETS = ("10.1.2.3", "hunter2", "alembic_version", "psycopg", "redis", "Traceback", 'File "')
SAID = "connection to 10.1.2.3 failed: password hunter2, in SELECT version_num FROM alembic_version"
POSTGRES = [psycopg.OperationalError(SAID), psycopg.errors.UniqueViolation(SAID), RuntimeError(f"psycopg: {SAID}")]
REDIS = [redis.ConnectionError(SAID), redis.ResponseError(SAID), RuntimeError(f"redis: {SAID}")]

KEY = jobs_pb2.ComparisonKey(slug="amazon-vs-costco")
WEEKS = [jobs_pb2.SeriesPoint(date=f"2024-01-{day:02}", values=(1, 2)) for day in (7, 14, 21, 28)]
IMPORT = jobs_pb2.IngestSnapshotRequest(series=jobs_pb2.Series(terms=["amazon", "costco"], points=WEEKS))
JOBS_REQUESTS = {
    "IngestSnapshot": IMPORT,
    "PreviewSnapshot": jobs_pb2.PreviewSnapshotRequest(snapshot=IMPORT),
    "IngestPreviewed": jobs_pb2.IngestPreviewedRequest(snapshot=IMPORT, data_hash="0" * 16),
    "GetComparison": jobs_pb2.GetComparisonRequest(key=KEY),
    "GetWarmup": jobs_pb2.GetWarmupRequest(key=KEY),
    "BatchGetWarmups": jobs_pb2.BatchGetWarmupsRequest(keys=[KEY]),
    "EnqueueWarmup": jobs_pb2.EnqueueWarmupRequest(key=KEY, reason=jobs_pb2.ENQUEUE_REASON_REFRESH),
    "TriggerWarmup": jobs_pb2.TriggerWarmupRequest(key=KEY),
    "ReportDemand": jobs_pb2.ReportDemandRequest(demand=[jobs_pb2.Demand(key=KEY, count=1)]),
    "GetJob": jobs_pb2.GetJobRequest(id=1),
    "RequeueJob": jobs_pb2.RequeueJobRequest(id=1),
    "RequeueJobs": jobs_pb2.RequeueJobsRequest(status=jobs_pb2.JOB_STATUS_FAILED),
    "CancelJob": jobs_pb2.CancelJobRequest(id=1),
    "DeleteOldJobs": jobs_pb2.DeleteOldJobsRequest(older_than_days=1),
}
OPERATIONS_REQUESTS = {
    "ListAttempts": operations_pb2.ListAttemptsRequest(job_id=1),
    "PrepareBulkOperation": operations_pb2.PrepareBulkOperationRequest(action=operations_pb2.BULK_ACTION_REQUEUE),
    "ConfirmBulkOperation": operations_pb2.ConfirmBulkOperationRequest(id=1, reason="a test"),
}
FORECASTER_REQUESTS = {
    "GenerateForecasts": parts.request(1),
    "GetForecasts": forecaster_pb2.GetForecastsRequest(keys=[parts.key()]),
    "CheckForecasts": forecaster_pb2.CheckForecastsRequest(keys=[parts.key()]),
    "InspectKeys": forecaster_pb2.InspectKeysRequest(key=parts.key()),
    "RecordFailure": forecaster_pb2.RecordFailureRequest(key=parts.key(), lease_id=1, status="failed", error="x"),
}


class Broken:
    """A store or other dependency of a servicer that raises a driver's error."""

    def __init__(self, failure: Exception) -> None:
        self.calls = 0
        self._failure = failure

    def __getattr__(self, name: str) -> Any:
        if name == "subscribe":
            return self._stream

        async def fail(*_: object, **__: object) -> None:
            self.calls += 1
            raise self._failure

        return fail

    async def _stream(self) -> AsyncIterator[None]:
        self.calls += 1
        raise self._failure
        yield


@asynccontextmanager
async def _served(service: Any, add: Any, servicer: Any) -> AsyncIterator[grpc.aio.Channel]:
    server = Server(
        standard_interceptors(guarded=frozenset(), accepted_secrets=(), longest=30), services=[service.name]
    )
    add(servicer, server.grpc)
    port = await server.start("127.0.0.1:0")
    await server.set_ready(True)
    # The port may have belonged to an earlier server, whose channel is in its reconnect back-off.
    async with open_channel(f"127.0.0.1:{port}", service, own_connections=True) as channel:
        yield channel
    await server.stop(0)


def _methods(module: Any, name: str) -> list[Any]:
    return list(module.DESCRIPTOR.services_by_name[name].methods)


async def _failure(stub: Any, method: Any, request: Any) -> grpc.aio.AioRpcError:
    call = getattr(stub, method.name)(request, timeout=10)
    with pytest.raises(grpc.aio.AioRpcError) as caught, capture_logs() as logged:
        await (_heard_out(call) if method.server_streaming else call)
    assert any(line["event"] == "call crashed" for line in logged), caught.value  # the driver's text is in the log
    return caught.value


async def _heard_out(call: Any) -> None:
    async for _ in call:
        pass


def _leaks_nothing(failure: grpc.aio.AioRpcError) -> None:
    error = from_rpc_error(failure, service="it")
    assert error.reason in (errors.INTERNAL, errors.UNAVAILABLE)
    seen = repr((failure.details(), failure.debug_error_string(), failure.trailing_metadata(), error.detail))
    assert not [secret for secret in SECRETS if secret in seen]


@pytest.mark.parametrize("failure", POSTGRES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("method", _methods(jobs_pb2, "JobsService"), ids=lambda method: method.name)
async def test_jobs_hides_the_text_of_a_driver_error(method: Any, failure: Exception) -> None:
    broken: Any = Broken(failure)
    servicer = JobsServicer(
        importer=broken,
        comparisons=broken,
        enqueuer=Enqueuer(broken, broken, broken),
        listings=broken,
        search=broken,
        record=broken,
        retention=broken,
        change_feed=broken,
        dispatcher=broken,
        refresher=Refresher(broken, broken.forecaster_info),
        sweeper=broken,
        schedules=Schedules(broken),
        dispatching=True,
    )
    request = JOBS_REQUESTS.get(method.name) or getattr(jobs_pb2, method.input_type.name)()
    async with _served(JOBS, jobs_pb2_grpc.add_JobsServiceServicer_to_server, servicer) as channel:
        failed = await _failure(jobs_pb2_grpc.JobsServiceStub(channel), method, request)
    assert broken.calls  # the driver failed, not a check before it
    _leaks_nothing(failed)


@pytest.mark.parametrize("failure", POSTGRES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("method", _methods(operations_pb2, "OperationsService"), ids=lambda method: method.name)
async def test_operations_hide_the_text_of_a_driver_error(method: Any, failure: Exception) -> None:
    broken: Any = Broken(failure)
    servicer = OperationsServicer(
        accuracy=broken,
        actions=broken,
        attempts=broken,
        bulk=Bulk(broken),
        coverage=broken,
        dispatcher=broken,
        holders=broken,
        statistics=broken,
    )
    request = OPERATIONS_REQUESTS.get(method.name) or getattr(operations_pb2, method.input_type.name)()
    async with _served(OPERATIONS, operations_pb2_grpc.add_OperationsServiceServicer_to_server, servicer) as channel:
        failed = await _failure(operations_pb2_grpc.OperationsServiceStub(channel), method, request)
    assert broken.calls
    _leaks_nothing(failed)


@pytest.mark.parametrize("failure", REDIS, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("method", _methods(forecaster_pb2, "ForecasterService"), ids=lambda method: method.name)
async def test_the_forecaster_hides_the_text_of_a_driver_error(method: Any, failure: Exception) -> None:
    broken: Any = Broken(failure)
    servicer = ForecasterServicer(
        cache=broken,
        pool=Pool(slots=1, queue_limit=1, deadline=10),
        engine=parts.StandInEngine(),
        now=parts.ManualClock(),
        beat_seconds=0.05,
    )
    request = FORECASTER_REQUESTS.get(method.name) or getattr(forecaster_pb2, method.input_type.name)()
    async with _served(FORECASTER, forecaster_pb2_grpc.add_ForecasterServiceServicer_to_server, servicer) as channel:
        failed = await _failure(forecaster_pb2_grpc.ForecasterServiceStub(channel), method, request)
    assert broken.calls
    _leaks_nothing(failed)
