"""Typed gRPC clients of jobs and the forecaster: deadlines, metadata, errors for callers of REST."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Sequence
from typing import TypeAlias

import grpc
from warmcast.forecaster.v1 import forecaster_pb2, forecaster_pb2_grpc
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc

from services.common.comparison import ComparisonKey
from services.common.rpc import metadata
from services.common.rpc.client.channel import open_channel
from services.common.rpc.services import FORECASTER, JOBS
from services.common.rpc.status import from_rpc_error
from services.common.rpc.tls import Tls
from services.common.runtime.batching import Batcher
from services.gateway.upstream.calls import Deadlines, call

_WATCH_SECONDS = 3_600.0
# Best of 8, 16 and 50 in `make bench`: larger batches make all callers wait in step, smaller ones make more calls.
_MAX_BATCH = 16
_MAX_BATCH_WAIT = 0.005  # seconds; best of 2, 5 and 20 ms

SnapshotKeys: TypeAlias = "Sequence[forecaster_pb2.SnapshotKey]"


def open_jobs(address: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """The channel to jobs; needs a running event loop."""
    return open_channel(address, JOBS, tls=tls)


def open_watch(address: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """A channel to jobs for the change stream only; needs a running event loop.

    It reconnects again and again while jobs is down. On a shared connection, other calls would fail until its next
    attempt.
    """
    return open_channel(address, JOBS, own_connections=True, tls=tls)


def open_forecaster(address: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """The channel to the forecaster; needs a running event loop."""
    return open_channel(address, FORECASTER, tls=tls)


class Jobs:
    """The client of jobs. Every method raises WarmcastError, with REST's names of invalid fields."""

    def __init__(self, channel: grpc.aio.Channel, deadlines: Deadlines) -> None:
        self._stub: jobs_pb2_grpc.JobsServiceAsyncStub = jobs_pb2_grpc.JobsServiceStub(channel)
        self._deadlines = deadlines
        self._warmup_batches = Batcher(
            self._get_warmup, self._get_warmup_batch, max_batch=_MAX_BATCH, max_wait=_MAX_BATCH_WAIT
        )

    async def get_warmup(self, key: ComparisonKey) -> jobs_pb2.GetWarmupResponse:
        """The current snapshot's warmup; simultaneous calls are batched."""
        return await self._warmup_batches.submit(key)

    async def enqueue_warmup(
        self, key: ComparisonKey, *, data_hash: str, seen_version: int, reason: jobs_pb2.EnqueueReason.ValueType
    ) -> jobs_pb2.EnqueueWarmupResponse:
        """Enqueues on demand, if the row's version is still `seen_version` (0: no row)."""
        request = jobs_pb2.EnqueueWarmupRequest(
            key=_key(key), data_hash=data_hash, seen_version=seen_version, reason=reason
        )
        return await call(JOBS, self._stub.EnqueueWarmup, request, self._deadlines.read)

    async def report_demand(self, demand: Sequence[tuple[ComparisonKey, int]]) -> None:
        """Reports how often each comparison was requested; at most 1,000 comparisons a call."""
        counted = [jobs_pb2.Demand(key=_key(key), count=count) for key, count in demand]
        request = jobs_pb2.ReportDemandRequest(demand=counted)
        await call(JOBS, self._stub.ReportDemand, request, self._deadlines.read)

    async def list_comparisons(self, *, limit: int, cursor: str, query: str = "") -> jobs_pb2.ListComparisonsResponse:
        """One page of comparisons."""
        request = jobs_pb2.ListComparisonsRequest(page_size=limit, page_token=cursor, query=query)
        return await call(JOBS, self._stub.ListComparisons, request, self._deadlines.read)

    async def search_comparisons(
        self, *, limit: int, cursor: str = "", query: str = "", slug: str = ""
    ) -> jobs_pb2.SearchComparisonsResponse:
        """One page of comparisons with what a list shows of each."""
        request = jobs_pb2.SearchComparisonsRequest(page_size=limit, page_token=cursor, query=query, slug=slug)
        return await call(JOBS, self._stub.SearchComparisons, request, self._deadlines.read)

    async def get_comparison(self, key: ComparisonKey) -> jobs_pb2.GetComparisonResponse:
        """Series, stats and signals of one comparison."""
        request = jobs_pb2.GetComparisonRequest(key=_key(key))
        return await call(JOBS, self._stub.GetComparison, request, self._deadlines.read)

    async def trust_stats(self) -> jobs_pb2.GetTrustStatsResponse:
        """Accuracy of past forecasts."""
        return await call(JOBS, self._stub.GetTrustStats, jobs_pb2.GetTrustStatsRequest(), self._deadlines.read)

    async def ingest(
        self, request: jobs_pb2.IngestSnapshotRequest, secret: str, *, operator: str | None = None
    ) -> jobs_pb2.IngestSnapshotResponse:
        """Imports one snapshot."""
        return await call(JOBS, self._stub.IngestSnapshot, request, self._deadlines.command, secret, operator=operator)

    async def preview(self, request: jobs_pb2.IngestSnapshotRequest, secret: str) -> jobs_pb2.PreviewSnapshotResponse:
        """What an import would store."""
        preview = jobs_pb2.PreviewSnapshotRequest(snapshot=request)
        return await call(JOBS, self._stub.PreviewSnapshot, preview, self._deadlines.command, secret)

    async def ingest_previewed(
        self, request: jobs_pb2.IngestSnapshotRequest, data_hash: str, secret: str, *, operator: str | None = None
    ) -> jobs_pb2.IngestSnapshotResponse:
        """Imports the data that a preview showed, and refuses others."""
        previewed = jobs_pb2.IngestPreviewedRequest(snapshot=request, data_hash=data_hash)
        answer = await call(
            JOBS, self._stub.IngestPreviewed, previewed, self._deadlines.command, secret, operator=operator
        )
        return answer.snapshot

    async def trigger(
        self, key: ComparisonKey, *, force: bool, secret: str, reason: str = "", operator: str | None = None
    ) -> jobs_pb2.TriggerWarmupResponse:
        """Enqueues on an operator's request."""
        request = jobs_pb2.TriggerWarmupRequest(key=_key(key), force=force, reason=reason)
        return await call(JOBS, self._stub.TriggerWarmup, request, self._deadlines.command, secret, operator=operator)

    async def run_warmup(self, max_jobs: int, secret: str) -> jobs_pb2.RunWarmupResponse:
        """Claims and runs up to `max_jobs` queued jobs."""
        request = jobs_pb2.RunWarmupRequest(max=max_jobs)
        return await call(JOBS, self._stub.RunWarmup, request, self._deadlines.run, secret)

    async def sweep(self, secret: str) -> jobs_pb2.SweepResponse:
        """Re-queues stuck jobs and audits ready ones."""
        return await call(JOBS, self._stub.Sweep, jobs_pb2.SweepRequest(), self._deadlines.command, secret)

    async def list_jobs(self, request: jobs_pb2.ListJobsRequest) -> jobs_pb2.ListJobsResponse:
        """One page of jobs, newest first."""
        return await call(JOBS, self._stub.ListJobs, request, self._deadlines.read)

    async def get_job(self, job_id: int) -> jobs_pb2.WarmupJob:
        """One job."""
        request = jobs_pb2.GetJobRequest(id=job_id)
        return (await call(JOBS, self._stub.GetJob, request, self._deadlines.read)).job

    async def requeue_job(
        self, job_id: int, *, secret: str, reason: str = "", operator: str | None = None
    ) -> jobs_pb2.WarmupJob:
        """Starts a new episode of one job."""
        request = jobs_pb2.RequeueJobRequest(id=job_id, reason=reason)
        return (
            await call(JOBS, self._stub.RequeueJob, request, self._deadlines.command, secret, operator=operator)
        ).job

    async def cancel_job(
        self, job_id: int, *, secret: str, reason: str = "", operator: str | None = None
    ) -> jobs_pb2.WarmupJob:
        """Cancels one queued or running job."""
        request = jobs_pb2.CancelJobRequest(id=job_id, reason=reason)
        return (await call(JOBS, self._stub.CancelJob, request, self._deadlines.command, secret, operator=operator)).job

    async def status(self) -> jobs_pb2.GetStatusResponse:
        """Counts by status, ages, and the state of the forecaster's replicas."""
        return await call(JOBS, self._stub.GetStatus, jobs_pb2.GetStatusRequest(), self._deadlines.read)

    async def _get_warmup(self, key: ComparisonKey) -> jobs_pb2.GetWarmupResponse:
        request = jobs_pb2.GetWarmupRequest(key=_key(key))
        return await call(JOBS, self._stub.GetWarmup, request, self._deadlines.read)

    async def _get_warmup_batch(self, keys: Sequence[ComparisonKey]) -> list[jobs_pb2.GetWarmupResponse | None]:
        request = jobs_pb2.BatchGetWarmupsRequest(keys=map(_key, keys))
        answer = await call(JOBS, self._stub.BatchGetWarmups, request, self._deadlines.read)
        # A comparison without data is unknown: the single call then returns its error.
        return [warmup if warmup.data_hash else None for warmup in answer.warmups]


class WarmupWatch:
    """The client of the stream of warmup changes."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: jobs_pb2_grpc.JobsServiceAsyncStub = jobs_pb2_grpc.JobsServiceStub(channel)

    async def __call__(self) -> AsyncGenerator[jobs_pb2.WatchWarmupsResponse, None]:
        """Yields changes until jobs ends the stream; raises WarmcastError when jobs is unavailable."""
        stream = self._stub.WatchWarmups(
            jobs_pb2.WatchWarmupsRequest(), timeout=_WATCH_SECONDS, metadata=metadata.outgoing()
        )
        try:
            async for message in stream:
                yield message
        except grpc.aio.AioRpcError as failure:
            raise from_rpc_error(failure, service=JOBS.called) from None
        finally:
            stream.cancel()


class Forecaster:
    """The client of the forecaster: reads its cache, never starts a computation."""

    def __init__(self, channel: grpc.aio.Channel, deadlines: Deadlines) -> None:
        self._stub: forecaster_pb2_grpc.ForecasterServiceAsyncStub = forecaster_pb2_grpc.ForecasterServiceStub(channel)
        self._deadlines = deadlines
        self._forecast_batches = Batcher(
            self._get_forecasts, self._get_forecast_batch, max_batch=_MAX_BATCH, max_wait=_MAX_BATCH_WAIT
        )

    async def get_forecasts(self, keys: SnapshotKeys) -> Sequence[forecaster_pb2.CachedForecasts]:
        """The cached forecasts of each key, in order; simultaneous calls are batched."""
        return await self._forecast_batches.submit(keys)

    async def inspect_keys(self, key: forecaster_pb2.SnapshotKey) -> forecaster_pb2.InspectKeysResponse:
        """Every Redis key of one snapshot, as it is stored."""
        request = forecaster_pb2.InspectKeysRequest(key=key)
        return await call(FORECASTER, self._stub.InspectKeys, request, self._deadlines.read)

    async def _get_forecasts(self, keys: SnapshotKeys) -> Sequence[forecaster_pb2.CachedForecasts]:
        request = forecaster_pb2.GetForecastsRequest(keys=keys)
        return (await call(FORECASTER, self._stub.GetForecasts, request, self._deadlines.read)).forecasts

    async def _get_forecast_batch(
        self, batch: Sequence[SnapshotKeys]
    ) -> list[Sequence[forecaster_pb2.CachedForecasts] | None]:
        keys = [key for each in batch for key in each]
        found = await self._get_forecasts(keys)
        if len(found) != len(keys):
            return []
        remaining = iter(found)
        return [list(itertools.islice(remaining, len(each))) for each in batch]


def _key(key: ComparisonKey) -> jobs_pb2.ComparisonKey:
    return jobs_pb2.ComparisonKey(slug=key.slug, timeframe=key.timeframe, geo=key.geo)
