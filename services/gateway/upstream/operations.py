"""The typed client of OperationsService: history, statistics, coverage, audit and bulk operations."""

from __future__ import annotations

from typing import TypeAlias

import grpc
from warmcast.jobs.v1 import jobs_pb2, operations_pb2, operations_pb2_grpc

from services.common.rpc.client.channel import open_channel
from services.common.rpc.services import OPERATIONS
from services.common.rpc.tls import Tls
from services.gateway.upstream.calls import Deadlines, call

BulkFilter: TypeAlias = "operations_pb2.JobFilter | operations_pb2.CoverageFilter"


def open_operations(address: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """The channel to jobs for operators' calls; needs a running event loop."""
    return open_channel(address, OPERATIONS, tls=tls)


class Operations:
    """The client of OperationsService. Every method raises WarmcastError, with REST's names of invalid fields.

    Methods that change state need the warmup secret; `operator` is the name of the login, None for a caller of REST.
    """

    def __init__(self, channel: grpc.aio.Channel, deadlines: Deadlines) -> None:
        self._stub: operations_pb2_grpc.OperationsServiceAsyncStub = operations_pb2_grpc.OperationsServiceStub(channel)
        self._deadlines = deadlines

    async def list_attempts(
        self, job_id: int, *, limit: int = 0, cursor: str = ""
    ) -> operations_pb2.ListAttemptsResponse:
        """One page of a job's ended attempts, newest first."""
        request = operations_pb2.ListAttemptsRequest(job_id=job_id, page_size=limit, page_token=cursor)
        return await call(OPERATIONS, self._stub.ListAttempts, request, self._deadlines.read)

    async def statistics(self, window_hours: int) -> operations_pb2.GetStatisticsResponse:
        """Throughput, percentiles and outcomes of the last 1, 6, 24 or 168 hours."""
        request = operations_pb2.GetStatisticsRequest(window_hours=window_hours)
        return await call(OPERATIONS, self._stub.GetStatistics, request, self._deadlines.read)

    async def list_holders(self) -> operations_pb2.ListHoldersResponse:
        """The processes that hold leases, and their runs."""
        request = operations_pb2.ListHoldersRequest()
        return await call(OPERATIONS, self._stub.ListHolders, request, self._deadlines.read)

    async def list_coverage(
        self, matching: operations_pb2.CoverageFilter, *, limit: int = 0, cursor: str = ""
    ) -> operations_pb2.ListCoverageResponse:
        """One page of comparisons with the state of their forecasts, most popular first."""
        request = operations_pb2.ListCoverageRequest(filter=matching, page_size=limit, page_token=cursor)
        return await call(OPERATIONS, self._stub.ListCoverage, request, self._deadlines.read)

    async def coverage_summary(self) -> operations_pb2.GetCoverageSummaryResponse:
        """How many comparisons are warm, in all and by timeframe."""
        request = operations_pb2.GetCoverageSummaryRequest()
        return await call(OPERATIONS, self._stub.GetCoverageSummary, request, self._deadlines.read)

    async def track_record(
        self, timeframe: str = "", engine_version: str = ""
    ) -> operations_pb2.GetTrackRecordResponse:
        """The track record of the last year, of one timeframe and of one engine version, or of all."""
        request = operations_pb2.GetTrackRecordRequest(timeframe=timeframe, engine_version=engine_version)
        return await call(OPERATIONS, self._stub.GetTrackRecord, request, self._deadlines.read)

    async def list_schedule_runs(
        self, schedule: str = "", *, limit: int = 0
    ) -> operations_pb2.ListScheduleRunsResponse:
        """The last runs of one schedule, newest first; without a name the last run of each."""
        request = operations_pb2.ListScheduleRunsRequest(schedule=schedule, page_size=limit)
        return await call(OPERATIONS, self._stub.ListScheduleRuns, request, self._deadlines.read)

    async def list_actions(self, *, limit: int = 0, cursor: str = "") -> operations_pb2.ListActionsResponse:
        """One page of what operators did, newest first."""
        request = operations_pb2.ListActionsRequest(page_size=limit, page_token=cursor)
        return await call(OPERATIONS, self._stub.ListActions, request, self._deadlines.read)

    async def run_job(
        self, job_id: int, *, secret: str, reason: str = "", operator: str | None = None
    ) -> jobs_pb2.WarmupJob:
        """Claims and runs one job at once; returns it after its run."""
        request = operations_pb2.RunJobRequest(id=job_id, reason=reason)
        return (await call(OPERATIONS, self._stub.RunJob, request, self._deadlines.run, secret, operator=operator)).job

    async def prepare(
        self,
        action: operations_pb2.BulkAction.ValueType,
        matching: BulkFilter,
        *,
        secret: str,
        operator: str | None = None,
    ) -> operations_pb2.PrepareBulkOperationResponse:
        """Prepares an operation on all that match: a CoverageFilter for BULK_ACTION_WARM, else a JobFilter."""
        request = operations_pb2.PrepareBulkOperationRequest(action=action)
        if isinstance(matching, operations_pb2.JobFilter):
            request.jobs.CopyFrom(matching)
        else:
            request.comparisons.CopyFrom(matching)
        return await call(
            OPERATIONS, self._stub.PrepareBulkOperation, request, self._deadlines.command, secret, operator=operator
        )

    async def confirm(
        self, operation_id: int, *, reason: str, secret: str, operator: str | None = None
    ) -> operations_pb2.BulkOperation:
        """Starts a prepared operation; `reason` is required."""
        request = operations_pb2.ConfirmBulkOperationRequest(id=operation_id, reason=reason)
        answer = await call(
            OPERATIONS, self._stub.ConfirmBulkOperation, request, self._deadlines.command, secret, operator=operator
        )
        return answer.operation

    async def abort(
        self, operation_id: int, *, secret: str, operator: str | None = None
    ) -> operations_pb2.BulkOperation:
        """Stops an operation after its current batch."""
        request = operations_pb2.AbortBulkOperationRequest(id=operation_id)
        answer = await call(
            OPERATIONS, self._stub.AbortBulkOperation, request, self._deadlines.command, secret, operator=operator
        )
        return answer.operation

    async def get_operation(self, operation_id: int) -> operations_pb2.BulkOperation:
        """One bulk operation and its progress."""
        request = operations_pb2.GetBulkOperationRequest(id=operation_id)
        return (await call(OPERATIONS, self._stub.GetBulkOperation, request, self._deadlines.read)).operation
