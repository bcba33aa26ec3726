"""The running jobs service and a client for tests."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import jobs_pb2_grpc, operations_pb2_grpc

from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.server.interceptors import standard_interceptors
from services.common.rpc.server.server import Server
from services.common.rpc.status import from_rpc_error
from services.jobs.application.change_feed import ChangeFeed
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.enqueue import Enqueuer
from services.jobs.application.importer import Importer
from services.jobs.application.operations.bulk import Bulk
from services.jobs.application.operations.schedules import Schedules
from services.jobs.application.refresher import Refresher
from services.jobs.application.runner import Runner
from services.jobs.application.scorer import Scorer
from services.jobs.application.sweeper import Sweeper
from services.jobs.postgres.attempts import Attempts
from services.jobs.postgres.idempotency_keys import IdempotencyKeys
from services.jobs.postgres.reports.accuracy import AccuracyReports
from services.jobs.postgres.reports.holders import Holders
from services.jobs.postgres.reports.statistics import AttemptStatistics
from services.jobs.postgres.search import Search
from services.jobs.rpc import servicer
from services.jobs.rpc.idempotency import IdempotencyInterceptor
from services.jobs.rpc.operations import servicer as operations
from services.jobs.rpc.servicer import JobsServicer
from tests.integration.jobs.conftest import POLICY, FakeForecaster, Store, succeed

SECRET = "a secret for this test"
SENT = metadata.outgoing(secret=SECRET)
CSV = b"""Category: All categories

Week,amazon: (United States),costco: (United States)
2024-01-07,75,<1
2024-01-14,80,12
2024-01-21,77,14
2024-01-28,90,13
"""
KEY = pb.ComparisonKey(slug="amazon-vs-costco", timeframe="12m", geo="US")


@dataclass
class Jobs:
    """A running service and a client's stubs."""

    stub: jobs_pb2_grpc.JobsServiceAsyncStub
    operations: operations_pb2_grpc.OperationsServiceAsyncStub
    store: Store
    forecaster: FakeForecaster
    channel: grpc.aio.Channel

    async def ingest(self, content: bytes = CSV, **fields: object) -> pb.IngestSnapshotResponse:
        return await self.stub.IngestSnapshot(_snapshot(content, fields), metadata=SENT)

    async def preview(self, content: bytes = CSV, **fields: object) -> pb.PreviewSnapshotResponse:
        request = pb.PreviewSnapshotRequest(snapshot=_snapshot(content, fields))
        return await self.stub.PreviewSnapshot(request, metadata=SENT)

    async def ingest_previewed(
        self, content: bytes = CSV, *, data_hash: str, **fields: object
    ) -> pb.IngestSnapshotResponse:
        request = pb.IngestPreviewedRequest(snapshot=_snapshot(content, fields), data_hash=data_hash)
        return (await self.stub.IngestPreviewed(request, metadata=SENT)).snapshot

    async def warmup(self) -> pb.GetWarmupResponse:
        return await self.stub.GetWarmup(pb.GetWarmupRequest(key=KEY))

    async def enqueue(
        self, seen: pb.GetWarmupResponse, reason: pb.EnqueueReason.ValueType = pb.ENQUEUE_REASON_FIRST_CALL
    ) -> pb.EnqueueWarmupResponse:
        version = seen.job.version if seen.HasField("job") else 0
        return await self.stub.EnqueueWarmup(
            pb.EnqueueWarmupRequest(key=KEY, data_hash=seen.data_hash, seen_version=version, reason=reason)
        )


def _snapshot(content: bytes, fields: dict[str, object]) -> pb.IngestSnapshotRequest:
    request = pb.IngestSnapshotRequest(files=pb.TrendsFiles(files=[pb.TrendsFile(name="a.csv", content=content)]))
    request.MergeFrom(pb.IngestSnapshotRequest(**fields))  # type: ignore[arg-type]  # fields of that message
    return request


async def refused(call: object) -> WarmcastError:
    """The error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]  # an awaitable call of any RPC
    return from_rpc_error(caught.value, service="jobs")


def token_of(place: object) -> str:
    """A forged page token."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


@asynccontextmanager
async def serving(store: Store) -> AsyncIterator[Jobs]:
    """The service as `bootstrap` wires it, without a dispatcher and with a fake forecaster."""
    forecaster = FakeForecaster(succeed)
    runner = Runner(store.queue, forecaster, POLICY)
    dispatcher = Dispatcher(store.queue, runner, forecaster, poll=60)
    chain = standard_interceptors(
        guarded=servicer.GUARDED | operations.GUARDED,
        accepted_secrets=(SECRET,),
        longest=30,
        unbounded=servicer.UNBOUNDED | operations.UNBOUNDED,
    )
    idempotency = IdempotencyInterceptor(IdempotencyKeys(store.database), servicer.GUARDED | operations.GUARDED)
    server = Server(chain, services=[servicer.SERVICE, operations.SERVICE], inner=[idempotency])
    search = Search(store.database)
    service = JobsServicer(
        importer=Importer(store.comparisons, Scorer(store.record)),
        comparisons=store.comparisons,
        enqueuer=Enqueuer(store.queue, store.comparisons, store.listings),
        search=search,
        listings=store.listings,
        record=store.record,
        retention=store.queue,
        change_feed=ChangeFeed(store.listings.changed),
        dispatcher=dispatcher,
        refresher=Refresher(store.queue, dispatcher.forecaster_info),
        sweeper=Sweeper(store.queue, store.listings, forecaster),
        schedules=Schedules(store.actions),
        dispatching=False,
    )
    jobs_pb2_grpc.add_JobsServiceServicer_to_server(service, server.grpc)
    operators_service = operations.OperationsServicer(
        accuracy=AccuracyReports(store.database),
        actions=store.actions,
        attempts=Attempts(store.database),
        bulk=Bulk(store.bulk),
        coverage=store.coverage(search),
        dispatcher=dispatcher,
        holders=Holders(store.database),
        statistics=AttemptStatistics(store.database),
    )
    operations_pb2_grpc.add_OperationsServiceServicer_to_server(operators_service, server.grpc)
    port = await server.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        operators_stub = operations_pb2_grpc.OperationsServiceStub(channel)
        yield Jobs(jobs_pb2_grpc.JobsServiceStub(channel), operators_stub, store, forecaster, channel)
    await server.stop(0)
