"""gRPC retries only calls that may be sent twice."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc.client.call import call_unary
from services.common.rpc.client.channel import open_channel
from services.common.rpc.services import FORECASTER, JOBS, OPERATIONS, Service
from tests.integration.common.rpc.replicas import Replica, serving

CHANGING = {
    JOBS.name: {
        "IngestSnapshot",
        "IngestPreviewed",
        "EnqueueWarmup",
        "TriggerWarmup",
        "ReportDemand",
        "RunWarmup",
        "Sweep",
        "RequeueJob",
        "RequeueJobs",
        "CancelJob",
        "RefreshForecasts",
        "DeleteOldJobs",
    },
    OPERATIONS.name: {"RunJob", "PrepareBulkOperation", "ConfirmBulkOperation", "AbortBulkOperation"},
    FORECASTER.name: {"GenerateForecasts", "RecordFailure"},
}


@pytest.mark.parametrize(
    ("service", "methods"),
    [
        (JOBS, jobs_pb2.DESCRIPTOR.services_by_name["JobsService"].methods_by_name),
        (OPERATIONS, operations_pb2.DESCRIPTOR.services_by_name["OperationsService"].methods_by_name),
        (FORECASTER, pb.DESCRIPTOR.services_by_name["ForecasterService"].methods_by_name),
    ],
    ids=["jobs", "operations", "forecaster"],
)
def test_every_rpc_is_either_retried_or_changes_something(service: Service, methods: dict[str, Any]) -> None:
    unary = {name for name, method in methods.items() if not method.server_streaming}
    assert set(service.idempotent) | (CHANGING[service.name] & unary) == unary
    assert not set(service.idempotent) & CHANGING[service.name]


@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (1, 2), (2, 3)])
async def test_a_read_is_retried_while_the_server_is_unavailable(failures: int, calls: int) -> None:
    replica = _failing(failures, errors.UNAVAILABLE)
    async with serving(replica), open_channel(replica.address, FORECASTER) as channel:
        await call_unary(FORECASTER, _stub(channel).Describe, pb.DescribeRequest(), timeout=10)
    assert replica.calls == calls


async def test_a_read_is_sent_at_most_three_times() -> None:
    replica = _failing(9, errors.UNAVAILABLE)
    async with serving(replica), open_channel(replica.address, FORECASTER) as channel:
        with pytest.raises(WarmcastError, match="no 3"):
            await call_unary(FORECASTER, _stub(channel).Describe, pb.DescribeRequest(), timeout=10)
    assert replica.calls == 3


@pytest.mark.parametrize("reason", [errors.BUSY, errors.DEADLINE_EXCEEDED, errors.INTERNAL, errors.INVALID_ARGUMENT])
async def test_other_errors_are_not_retried(reason: errors.Reason) -> None:
    replica = _failing(1, reason)
    async with serving(replica), open_channel(replica.address, FORECASTER) as channel:
        with pytest.raises(WarmcastError, match="no 1"):
            await call_unary(FORECASTER, _stub(channel).Describe, pb.DescribeRequest(), timeout=10)
    assert replica.calls == 1


async def test_a_call_that_changes_state_is_sent_once() -> None:
    replica = _failing(1, errors.UNAVAILABLE)
    changing = Service(FORECASTER.name, FORECASTER.called, idempotent=())
    async with serving(replica), open_channel(replica.address, changing) as channel:
        with pytest.raises(WarmcastError, match="no 1"):
            await call_unary(changing, _stub(channel).Describe, pb.DescribeRequest(), timeout=10)
    assert replica.calls == 1


async def test_retries_stop_when_nearly_every_call_fails() -> None:
    replica = _failing(10_000, errors.UNAVAILABLE)
    async with serving(replica), open_channel(replica.address, FORECASTER) as channel:
        for _ in range(100):
            with pytest.raises(WarmcastError):
                await call_unary(FORECASTER, _stub(channel).Describe, pb.DescribeRequest(), timeout=10)
    assert replica.calls < 200  # of 300


def _failing(times: int, reason: errors.Reason) -> Replica:
    async def describe(request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:
        if replica.calls <= times:
            raise WarmcastError(reason, f"no {replica.calls}")
        return pb.DescribeResponse()

    replica = Replica("failing", describe)
    return replica


def _stub(channel: grpc.aio.Channel) -> pb_grpc.ForecasterServiceAsyncStub:
    stub: pb_grpc.ForecasterServiceAsyncStub = pb_grpc.ForecasterServiceStub(channel)
    return stub
