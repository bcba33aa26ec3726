"""The client for asyncio: open and use each of its parts inside one running loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import grpc
from warmcast.client import requests
from warmcast.client.deadlines import DEFAULT, Deadlines
from warmcast.client.requests import File, Point
from warmcast.forecaster.v1 import forecaster_pb2, forecaster_pb2_grpc
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc, operations_pb2, operations_pb2_grpc

from services.common.rpc import metadata, services
from services.common.rpc.client.call import call_unary
from services.common.rpc.client.channel import open_channel
from services.common.rpc.client.connection import wait_for_connection_async
from services.common.rpc.services import Service
from services.common.rpc.tls import Tls

Request = TypeVar("Request")
Response = TypeVar("Response")


class _Client:
    """A channel to one service, and its settings."""

    def __init__(
        self,
        service: Service,
        address: str,
        secret: str | None,
        deadlines: Deadlines,
        tls: Tls | None,
        *,
        operator: str | None = None,
    ) -> None:
        self._service = replace(service, called=f"{service.called} at {address}")
        self._channel: grpc.aio.Channel = open_channel(address, service, tls=tls)
        self._secret = secret
        self._operator = metadata.outgoing_claim(operator)
        self._deadlines = deadlines

    async def close(self) -> None:
        """Closes the connections; calls in flight are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request, timeout: float
    ) -> Response:
        if self._deadlines.connect:
            await wait_for_connection_async(self._channel, self._service, self._deadlines.connect)
        return await call_unary(
            self._service, method, request, timeout=timeout, secret=self._secret, more=self._operator
        )


class Jobs(_Client):
    """The RPCs of the jobs service. Every method raises WarmcastError; jobs.proto names the reasons of each.

    `address` is host:port or dns:///name:port. `secret` is the warmup secret, for RPCs that change state. `operator` is
    the caller's name for the audit, at most 50 characters; nothing verifies it, and Ada is recorded as `secret (Ada)`.
    """

    def __init__(
        self,
        address: str,
        *,
        secret: str | None = None,
        operator: str | None = None,
        deadlines: Deadlines = DEFAULT,
        tls: Tls | None = None,
    ) -> None:
        super().__init__(services.JOBS, address, secret, deadlines, tls, operator=operator)
        self._stub: jobs_pb2_grpc.JobsServiceAsyncStub = jobs_pb2_grpc.JobsServiceStub(self._channel)

    async def ingest_files(
        self,
        files: Iterable[File],
        *,
        timeframe: str = "",
        geo: str | None = None,
        terms: Sequence[str] = (),
        expected_slug: str = "",
        as_of: datetime | None = None,
        charset: str = "",
    ) -> pb.IngestSnapshotResponse:
        """Stores one export, or two with one term each, and makes it current. The same data again change nothing."""
        request = requests.of_files(
            files,
            timeframe=timeframe,
            geo=geo,
            terms=terms,
            expected_slug=expected_slug,
            as_of=as_of,
            charset=charset,
        )
        return await self._call(self._stub.IngestSnapshot, request, self._deadlines.command)

    async def ingest_points(
        self,
        terms: Sequence[str],
        points: Iterable[Point],
        *,
        timeframe: str = "",
        geo: str = "",
        source: str = "",
        expected_slug: str = "",
        as_of: datetime | None = None,
    ) -> pb.IngestSnapshotResponse:
        """The same for a series of two terms; each point is an ISO 8601 date and two values."""
        request = requests.of_points(
            terms,
            points,
            timeframe=timeframe,
            geo=geo,
            source=source,
            expected_slug=expected_slug,
            as_of=as_of,
        )
        return await self._call(self._stub.IngestSnapshot, request, self._deadlines.command)

    async def preview(self, request: pb.IngestSnapshotRequest) -> pb.PreviewSnapshotResponse:
        """What an import would store, and each column that was read; `of_files` and `of_points` build the request."""
        preview = pb.PreviewSnapshotRequest(snapshot=request)
        return await self._call(self._stub.PreviewSnapshot, preview, self._deadlines.command)

    async def ingest_previewed(
        self, request: pb.IngestSnapshotRequest, preview: pb.PreviewSnapshotResponse
    ) -> pb.IngestSnapshotResponse:
        """Stores what the preview of a request showed, and refuses other data."""
        previewed = pb.IngestPreviewedRequest(snapshot=request, data_hash=preview.snapshot.data_hash)
        previewed.snapshot.as_of.CopyFrom(preview.snapshot.as_of)
        response = await self._call(self._stub.IngestPreviewed, previewed, self._deadlines.command)
        return response.snapshot

    async def list_comparisons(
        self, *, page_size: int = 0, page_token: str = "", query: str = ""
    ) -> pb.ListComparisonsResponse:
        """One page of comparisons; `query` finds those of which either term begins with it."""
        return await self._call(
            self._stub.ListComparisons,
            pb.ListComparisonsRequest(page_size=page_size, page_token=page_token, query=query),
            self._deadlines.read,
        )

    async def search_comparisons(
        self, *, query: str = "", slug: str = "", page_size: int = 0, page_token: str = ""
    ) -> pb.SearchComparisonsResponse:
        """The same with values, state and leader of each; `slug` lists the timeframes and geos of one slug."""
        return await self._call(
            self._stub.SearchComparisons,
            pb.SearchComparisonsRequest(query=query, slug=slug, page_size=page_size, page_token=page_token),
            self._deadlines.read,
        )

    async def get_comparison(self, slug: str, timeframe: str = "", geo: str = "") -> pb.GetComparisonResponse:
        """Series, stats and signals of one comparison."""
        return await self._call(
            self._stub.GetComparison,
            pb.GetComparisonRequest(key=requests.comparison(slug, timeframe, geo)),
            self._deadlines.read,
        )

    async def get_trust_stats(self) -> pb.GetTrustStatsResponse:
        """The accuracy of past forecasts."""
        return await self._call(self._stub.GetTrustStats, pb.GetTrustStatsRequest(), self._deadlines.read)

    async def get_warmup(self, slug: str, timeframe: str = "", geo: str = "") -> pb.GetWarmupResponse:
        """The state of the warmup of the current snapshot."""
        return await self._call(
            self._stub.GetWarmup,
            pb.GetWarmupRequest(key=requests.comparison(slug, timeframe, geo)),
            self._deadlines.read,
        )

    async def enqueue_warmup(
        self, seen: pb.GetWarmupResponse, reason: pb.EnqueueReason.ValueType
    ) -> pb.EnqueueWarmupResponse:
        """Enqueues the warmup that `get_warmup` returned, unless its row has changed since."""
        key = requests.comparison(seen.slug, seen.timeframe, seen.geo)
        request = pb.EnqueueWarmupRequest(
            key=key, data_hash=seen.data_hash, seen_version=seen.job.version, reason=reason
        )
        return await self._call(self._stub.EnqueueWarmup, request, self._deadlines.read)

    async def trigger_warmup(
        self, slug: str, timeframe: str = "", geo: str = "", *, force: bool = False, reason: str = ""
    ) -> pb.TriggerWarmupResponse:
        """Enqueues the warmup in any state. `reason` is kept in the audit, as those of the other methods are."""
        return await self._call(
            self._stub.TriggerWarmup,
            pb.TriggerWarmupRequest(key=requests.comparison(slug, timeframe, geo), force=force, reason=reason),
            self._deadlines.command,
        )

    async def run_warmup(self, most: int = 1) -> Sequence[pb.WarmupJob]:
        """Claims and runs up to `most` queued jobs, oldest first. Returns them as their runs ended."""
        response = await self._call(self._stub.RunWarmup, pb.RunWarmupRequest(max=most), self._deadlines.run)
        return response.jobs

    async def sweep(self) -> pb.SweepResponse:
        """Re-queues stuck jobs, and jobs whose bundles the cache has lost."""
        return await self._call(self._stub.Sweep, pb.SweepRequest(), self._deadlines.command)

    async def list_jobs(self, request: pb.ListJobsRequest | None = None) -> pb.ListJobsResponse:
        """One page of jobs, newest first."""
        return await self._call(self._stub.ListJobs, request or pb.ListJobsRequest(), self._deadlines.read)

    async def get_job(self, job_id: int) -> pb.WarmupJob:
        """One job."""
        response = await self._call(self._stub.GetJob, pb.GetJobRequest(id=job_id), self._deadlines.read)
        return response.job

    async def requeue_job(self, job_id: int, *, reason: str = "") -> pb.WarmupJob:
        """Starts a new episode of one job; not while it runs."""
        request = pb.RequeueJobRequest(id=job_id, reason=reason)
        response = await self._call(self._stub.RequeueJob, request, self._deadlines.command)
        return response.job

    async def requeue_jobs(self, request: pb.RequeueJobsRequest) -> Sequence[pb.WarmupJob]:
        """Starts new episodes of all jobs that match a filter."""
        response = await self._call(self._stub.RequeueJobs, request, self._deadlines.command)
        return response.jobs

    async def cancel_job(self, job_id: int, *, reason: str = "") -> pb.WarmupJob:
        """Cancels a queued or running job."""
        request = pb.CancelJobRequest(id=job_id, reason=reason)
        response = await self._call(self._stub.CancelJob, request, self._deadlines.command)
        return response.job

    async def refresh_forecasts(self, most: int = 0) -> Sequence[pb.WarmupJob]:
        """Enqueues refreshes of forecasts that will become stale, the most requested first."""
        response = await self.refresh(most)
        return response.jobs

    async def refresh(self, most: int = 0) -> pb.RefreshForecastsResponse:
        """The same, with the number of due forecasts above `most`. 0: as many as the forecasters run in ten minutes."""
        request = pb.RefreshForecastsRequest(max=most)
        return await self._call(self._stub.RefreshForecasts, request, self._deadlines.command)

    async def delete_old_jobs(self, older_than_days: int, most: int = 0) -> int:
        """Deletes one batch of jobs that settled over so many days ago. Returns their number."""
        response = await self._call(
            self._stub.DeleteOldJobs,
            pb.DeleteOldJobsRequest(older_than_days=older_than_days, max=most),
            self._deadlines.command,
        )
        return response.deleted

    async def get_status(self) -> pb.GetStatusResponse:
        """Counts by status, ages, and whether the forecaster is available."""
        return await self._call(self._stub.GetStatus, pb.GetStatusRequest(), self._deadlines.read)


class Operations(_Client):
    """The RPCs of the jobs service for operators: history, statistics, coverage, audit and bulk operations.

    Every method raises WarmcastError; operations.proto names the reasons of each. `address`, `secret` and
    `operator` are those of `Jobs`.
    """

    def __init__(
        self,
        address: str,
        *,
        secret: str | None = None,
        operator: str | None = None,
        deadlines: Deadlines = DEFAULT,
        tls: Tls | None = None,
    ) -> None:
        super().__init__(services.OPERATIONS, address, secret, deadlines, tls, operator=operator)
        self._stub: operations_pb2_grpc.OperationsServiceAsyncStub = operations_pb2_grpc.OperationsServiceStub(
            self._channel
        )

    async def list_attempts(
        self, job_id: int, *, page_size: int = 0, page_token: str = ""
    ) -> operations_pb2.ListAttemptsResponse:
        """One page of a job's ended attempts, newest first."""
        request = operations_pb2.ListAttemptsRequest(job_id=job_id, page_size=page_size, page_token=page_token)
        return await self._call(self._stub.ListAttempts, request, self._deadlines.read)

    async def get_statistics(self, window_hours: int = 1) -> operations_pb2.GetStatisticsResponse:
        """Throughput, percentiles in seconds, and outcomes of the last 1, 6, 24 or 168 hours."""
        request = operations_pb2.GetStatisticsRequest(window_hours=window_hours)
        return await self._call(self._stub.GetStatistics, request, self._deadlines.read)

    async def list_holders(self) -> Sequence[operations_pb2.Holder]:
        """The processes that hold leases, and their runs."""
        request = operations_pb2.ListHoldersRequest()
        response = await self._call(self._stub.ListHolders, request, self._deadlines.read)
        return response.holders

    async def list_coverage(
        self, matching: operations_pb2.CoverageFilter | None = None, *, page_size: int = 0, page_token: str = ""
    ) -> operations_pb2.ListCoverageResponse:
        """One page of comparisons with the state of their forecasts, most popular first."""
        request = operations_pb2.ListCoverageRequest(filter=matching, page_size=page_size, page_token=page_token)
        return await self._call(self._stub.ListCoverage, request, self._deadlines.read)

    async def get_coverage_summary(self) -> operations_pb2.GetCoverageSummaryResponse:
        """How many comparisons are fresh, stale and cold; each count stops at 10,000."""
        request = operations_pb2.GetCoverageSummaryRequest()
        return await self._call(self._stub.GetCoverageSummary, request, self._deadlines.read)

    async def get_track_record(
        self, *, timeframe: str = "", engine_version: str = ""
    ) -> operations_pb2.GetTrackRecordResponse:
        """Whether intervals, confidence, winners and directions came true in the last year; without names, of all.

        In total, by timeframe, and by week of scoring. Each share has its count and its 95 % interval.
        """
        request = operations_pb2.GetTrackRecordRequest(timeframe=timeframe, engine_version=engine_version)
        return await self._call(self._stub.GetTrackRecord, request, self._deadlines.read)

    async def list_schedule_runs(
        self, schedule: str = "", *, page_size: int = 0
    ) -> Sequence[operations_pb2.ScheduleRun]:
        """The last runs of one schedule, newest first; without a name the last run of each."""
        request = operations_pb2.ListScheduleRunsRequest(schedule=schedule, page_size=page_size)
        response = await self._call(self._stub.ListScheduleRuns, request, self._deadlines.read)
        return response.runs

    async def list_actions(self, *, page_size: int = 0, page_token: str = "") -> operations_pb2.ListActionsResponse:
        """One page of what operators did, newest first."""
        request = operations_pb2.ListActionsRequest(page_size=page_size, page_token=page_token)
        return await self._call(self._stub.ListActions, request, self._deadlines.read)

    async def run_job(self, job_id: int, *, reason: str = "") -> pb.WarmupJob:
        """Claims and runs one job at once. Returns it as its run ended."""
        request = operations_pb2.RunJobRequest(id=job_id, reason=reason)
        response = await self._call(self._stub.RunJob, request, self._deadlines.run)
        return response.job

    async def prepare(
        self,
        action: operations_pb2.BulkAction.ValueType,
        matching: operations_pb2.JobFilter | operations_pb2.CoverageFilter,
    ) -> operations_pb2.PrepareBulkOperationResponse:
        """Prepares an operation on all that match, and returns a sample; nothing else changes until `confirm`.

        A CoverageFilter is for BULK_ACTION_WARM, a JobFilter for the others.
        """
        request = requests.bulk(action, matching)
        return await self._call(self._stub.PrepareBulkOperation, request, self._deadlines.command)

    async def confirm(self, operation_id: int, reason: str) -> operations_pb2.BulkOperation:
        """Starts a prepared operation, which runs in the background."""
        request = operations_pb2.ConfirmBulkOperationRequest(id=operation_id, reason=reason)
        response = await self._call(self._stub.ConfirmBulkOperation, request, self._deadlines.command)
        return response.operation

    async def abort(self, operation_id: int) -> operations_pb2.BulkOperation:
        """Stops an operation after its current batch."""
        request = operations_pb2.AbortBulkOperationRequest(id=operation_id)
        response = await self._call(self._stub.AbortBulkOperation, request, self._deadlines.command)
        return response.operation

    async def get_operation(self, operation_id: int) -> operations_pb2.BulkOperation:
        """One bulk operation and its progress."""
        request = operations_pb2.GetBulkOperationRequest(id=operation_id)
        response = await self._call(self._stub.GetBulkOperation, request, self._deadlines.read)
        return response.operation


class Forecaster(_Client):
    """The RPCs that read the forecaster's cache. Every method raises WarmcastError; see forecaster.proto."""

    def __init__(self, address: str, *, deadlines: Deadlines = DEFAULT, tls: Tls | None = None) -> None:
        super().__init__(services.FORECASTER, address, None, deadlines, tls)
        self._stub: forecaster_pb2_grpc.ForecasterServiceAsyncStub = forecaster_pb2_grpc.ForecasterServiceStub(
            self._channel
        )

    async def get_forecasts(
        self, keys: Sequence[forecaster_pb2.SnapshotKey]
    ) -> Sequence[forecaster_pb2.CachedForecasts]:
        """The bundles and insights of each key as JSON, in order; at most 100 keys. See `snapshot_key`.

        `head_to_head_json`, `together_json`, `insights_a_json`, `insights_b_json` and `interpretations_json` may be
        `null`. All but the first of these are empty from a forecaster that knows no insights.
        """
        response = await self._call(
            self._stub.GetForecasts, forecaster_pb2.GetForecastsRequest(keys=keys), self._deadlines.read
        )
        return response.forecasts

    async def inspect_keys(self, key: forecaster_pb2.SnapshotKey) -> forecaster_pb2.InspectKeysResponse:
        """Every Redis key of one snapshot, as it is stored: for operators."""
        request = forecaster_pb2.InspectKeysRequest(key=key)
        return await self._call(self._stub.InspectKeys, request, self._deadlines.read)

    async def check_forecasts(
        self, keys: Sequence[forecaster_pb2.SnapshotKey]
    ) -> Sequence[forecaster_pb2.Freshness.ValueType]:
        """The freshness of each key's bundles, in order; at most 500 keys."""
        response = await self._call(
            self._stub.CheckForecasts, forecaster_pb2.CheckForecastsRequest(keys=keys), self._deadlines.read
        )
        return response.freshness

    async def describe(self) -> forecaster_pb2.DescribeResponse:
        """Engine version and worker slots."""
        return await self._call(self._stub.Describe, forecaster_pb2.DescribeRequest(), self._deadlines.read)
