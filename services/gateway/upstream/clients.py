"""Typed, thin calls to jobs and the forecaster: deadline, metadata, and errors that a caller may see."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from warmcast.forecaster.v1 import forecaster_pb2, forecaster_pb2_grpc
from warmcast.jobs.v1 import jobs_pb2, jobs_pb2_grpc

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.client.call import ask
from services.common.rpc.client.channel import open_channel
from services.common.rpc.services import FORECASTER, JOBS, Service
from services.common.rpc.status import from_rpc_error
from services.common.rpc.tls import Tls
from services.gateway.upstream import idempotency
from services.gateway.upstream.batching import Gathering

_LONGEST_WATCH_SECONDS = 3_600.0
# In larger groups all callers move in step, and each of the three services waits for the other two; smaller ones pay
# for more calls. (Answers a second with 32 connections, on a busy machine: 541 with 8, 630 with 16, 588 with 50.)
_MOST_TOGETHER = 16
_PATIENCE = 0.005  # seconds; with 32 connections 2 ms and 20 ms answered fewer

# A caller knows REST's names, not those of the messages behind it.
_REST_NAMES = {
    "timeframe": "tf",
    "page_token": "cursor",
    "page_size": "limit",
    "expected_slug": "slug",
    "terms": "term",
    "as_of": "asOf",
    "older_than_seconds": "olderThan",
    "newer_than_seconds": "newerThan",
}

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)
SnapshotKeys: TypeAlias = "Sequence[forecaster_pb2.SnapshotKey]"


@dataclass(frozen=True)
class Deadlines:
    """Seconds that each kind of call may take."""

    read: float
    command: float
    run: float


def open_jobs(address: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """The channel to jobs; call it inside a running loop."""
    return open_channel(address, JOBS, tls=tls)


def open_watch(address: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """The channel to jobs for the stream of changes alone; call it inside a running loop.

    It connects again and again while jobs is away. On a connection that calls share, those would fail until its next
    attempt, though jobs may be back meanwhile.
    """
    return open_channel(address, JOBS, own_connections=True, tls=tls)


def open_forecaster(address: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """The channel to the forecaster; call it inside a running loop."""
    return open_channel(address, FORECASTER, tls=tls)


class Jobs:
    """What the gateway asks of jobs. Every method raises WarmcastError, with REST's names for bad fields."""

    def __init__(self, channel: grpc.aio.Channel, deadlines: Deadlines) -> None:
        self._stub: jobs_pb2_grpc.JobsServiceAsyncStub = jobs_pb2_grpc.JobsServiceStub(channel)
        self._deadlines = deadlines
        self._warmups = Gathering(self._get_warmup, self._get_warmups, most=_MOST_TOGETHER, patience=_PATIENCE)

    async def get_warmup(self, key: ComparisonKey) -> jobs_pb2.GetWarmupResponse:
        """Where the warmup of the current snapshot stands; asked together with what others ask at the time."""
        return await self._warmups.ask(key)

    async def enqueue_warmup(
        self, key: ComparisonKey, *, data_hash: str, seen_version: int, reason: jobs_pb2.EnqueueReason.ValueType
    ) -> jobs_pb2.EnqueueWarmupResponse:
        """The demand-side enqueue, by compare-and-set on the row's version (0: there was none)."""
        request = jobs_pb2.EnqueueWarmupRequest(
            key=_key(key), data_hash=data_hash, seen_version=seen_version, reason=reason
        )
        return await _ask(JOBS, self._stub.EnqueueWarmup, request, self._deadlines.read)

    async def report_demand(self, demand: Sequence[tuple[ComparisonKey, int]]) -> None:
        """How often each comparison was asked for; at most 1,000 a call."""
        counted = [jobs_pb2.Demand(key=_key(key), count=count) for key, count in demand]
        request = jobs_pb2.ReportDemandRequest(demand=counted)
        await _ask(JOBS, self._stub.ReportDemand, request, self._deadlines.read)

    async def list_comparisons(self, *, limit: int, cursor: str) -> jobs_pb2.ListComparisonsResponse:
        """One page of comparisons."""
        request = jobs_pb2.ListComparisonsRequest(page_size=limit, page_token=cursor)
        return await _ask(JOBS, self._stub.ListComparisons, request, self._deadlines.read)

    async def get_comparison(self, key: ComparisonKey) -> jobs_pb2.GetComparisonResponse:
        """Series, stats and signals of one comparison."""
        request = jobs_pb2.GetComparisonRequest(key=_key(key))
        return await _ask(JOBS, self._stub.GetComparison, request, self._deadlines.read)

    async def trust_stats(self) -> jobs_pb2.GetTrustStatsResponse:
        """How past forecasts did."""
        return await _ask(JOBS, self._stub.GetTrustStats, jobs_pb2.GetTrustStatsRequest(), self._deadlines.read)

    async def ingest(self, request: jobs_pb2.IngestSnapshotRequest, secret: str) -> jobs_pb2.IngestSnapshotResponse:
        """Stores one snapshot."""
        return await _ask(JOBS, self._stub.IngestSnapshot, request, self._deadlines.command, secret)

    async def trigger(self, key: ComparisonKey, *, force: bool, secret: str) -> jobs_pb2.TriggerWarmupResponse:
        """The operator's enqueue."""
        request = jobs_pb2.TriggerWarmupRequest(key=_key(key), force=force)
        return await _ask(JOBS, self._stub.TriggerWarmup, request, self._deadlines.command, secret)

    async def run_warmup(self, most: int, secret: str) -> jobs_pb2.RunWarmupResponse:
        """Claims and runs up to `most` queued jobs."""
        request = jobs_pb2.RunWarmupRequest(max=most)
        return await _ask(JOBS, self._stub.RunWarmup, request, self._deadlines.run, secret)

    async def sweep(self, secret: str) -> jobs_pb2.SweepResponse:
        """Re-queues what is stuck."""
        return await _ask(JOBS, self._stub.Sweep, jobs_pb2.SweepRequest(), self._deadlines.command, secret)

    async def list_jobs(self, request: jobs_pb2.ListJobsRequest, secret: str) -> jobs_pb2.ListJobsResponse:
        """One page of jobs, newest first."""
        return await _ask(JOBS, self._stub.ListJobs, request, self._deadlines.read, secret)

    async def get_job(self, identity: int, secret: str) -> jobs_pb2.WarmupJob:
        """One job."""
        request = jobs_pb2.GetJobRequest(id=identity)
        return (await _ask(JOBS, self._stub.GetJob, request, self._deadlines.read, secret)).job

    async def requeue_job(self, identity: int, secret: str) -> jobs_pb2.WarmupJob:
        """Starts a new episode of one job."""
        request = jobs_pb2.RequeueJobRequest(id=identity)
        return (await _ask(JOBS, self._stub.RequeueJob, request, self._deadlines.command, secret)).job

    async def cancel_job(self, identity: int, secret: str) -> jobs_pb2.WarmupJob:
        """Takes one job out of the queue."""
        request = jobs_pb2.CancelJobRequest(id=identity)
        return (await _ask(JOBS, self._stub.CancelJob, request, self._deadlines.command, secret)).job

    async def _get_warmup(self, key: ComparisonKey) -> jobs_pb2.GetWarmupResponse:
        request = jobs_pb2.GetWarmupRequest(key=_key(key))
        return await _ask(JOBS, self._stub.GetWarmup, request, self._deadlines.read)

    async def _get_warmups(self, keys: Sequence[ComparisonKey]) -> list[jobs_pb2.GetWarmupResponse | None]:
        request = jobs_pb2.BatchGetWarmupsRequest(keys=map(_key, keys))
        answer = await _ask(JOBS, self._stub.BatchGetWarmups, request, self._deadlines.read)
        # Of an unknown comparison nothing is there; the call for one says what is there instead.
        return [warmup if warmup.data_hash else None for warmup in answer.warmups]


class WarmupWatch:
    """The stream of changes of warmups."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: jobs_pb2_grpc.JobsServiceAsyncStub = jobs_pb2_grpc.JobsServiceStub(channel)

    async def __call__(self) -> AsyncGenerator[jobs_pb2.WatchWarmupsResponse, None]:
        """Every change from now on, until jobs ends the stream or can no longer be asked (WarmcastError)."""
        call = self._stub.WatchWarmups(
            jobs_pb2.WatchWarmupsRequest(), timeout=_LONGEST_WATCH_SECONDS, metadata=metadata.outgoing()
        )
        try:
            async for news in call:
                yield news
        except grpc.aio.AioRpcError as failure:
            raise from_rpc_error(failure, asked=JOBS.called) from None
        finally:
            call.cancel()


class Forecaster:
    """What the gateway asks of the forecaster: the cache, never a computation."""

    def __init__(self, channel: grpc.aio.Channel, deadlines: Deadlines) -> None:
        self._stub: forecaster_pb2_grpc.ForecasterServiceAsyncStub = forecaster_pb2_grpc.ForecasterServiceStub(channel)
        self._deadlines = deadlines
        self._forecasts = Gathering(self._get_forecasts, self._get_all, most=_MOST_TOGETHER, patience=_PATIENCE)

    async def get_forecasts(self, keys: SnapshotKeys) -> Sequence[forecaster_pb2.CachedForecasts]:
        """What the cache holds for each key, in order; asked together with what others ask at the time."""
        return await self._forecasts.ask(keys)

    async def _get_forecasts(self, keys: SnapshotKeys) -> Sequence[forecaster_pb2.CachedForecasts]:
        request = forecaster_pb2.GetForecastsRequest(keys=keys)
        return (await _ask(FORECASTER, self._stub.GetForecasts, request, self._deadlines.read)).forecasts

    async def _get_all(self, asked: Sequence[SnapshotKeys]) -> list[Sequence[forecaster_pb2.CachedForecasts] | None]:
        keys = [key for each in asked for key in each]
        found = await self._get_forecasts(keys)
        if len(found) != len(keys):
            return []
        left = iter(found)
        return [list(itertools.islice(left, len(each))) for each in asked]


async def _ask(
    service: Service,
    call: grpc.aio.UnaryUnaryMultiCallable[Request, Answer],
    request: Request,
    timeout: float,
    secret: str | None = None,
) -> Answer:
    try:
        if secret is None:
            return await ask(service, call, request, timeout=timeout)
        more, answered = idempotency.outgoing(), idempotency.note
        return await ask(service, call, request, timeout=timeout, secret=secret, more=more, answered=answered)
    except WarmcastError as error:
        error.fields = tuple((rest_name(field), wrong) for field, wrong in error.fields)
        raise


def rest_name(field: str) -> str:
    """What REST calls a field of a message."""
    name = field.removeprefix("key.")
    return _REST_NAMES.get(name, name)


def _key(key: ComparisonKey) -> jobs_pb2.ComparisonKey:
    return jobs_pb2.ComparisonKey(slug=key.slug, timeframe=key.timeframe, geo=key.geo)
