"""The client of OperationsService: requests, the operator's name, names of invalid fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from google.protobuf.message import Message
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common.comparison import ComparisonKey, invalid
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.gateway.upstream.operations import Operations
from tests.integration.gateway.conftest import READ_SECONDS, SECRET, World

JOB_FILTER = pb.JobFilter(status=jobs_pb2.JOB_STATUS_FAILED, geo="")
COVERAGE_FILTER = pb.CoverageFilter(state="cold", geo="US")
READS: list[tuple[Callable[[Operations], Awaitable[Message]], Message]] = [
    (
        lambda operations: operations.list_attempts(7, limit=5, cursor="next"),
        pb.ListAttemptsRequest(job_id=7, page_size=5, page_token="next"),
    ),
    (lambda operations: operations.statistics(24), pb.GetStatisticsRequest(window_hours=24)),
    (lambda operations: operations.list_holders(), pb.ListHoldersRequest()),
    (
        lambda operations: operations.list_coverage(COVERAGE_FILTER, limit=5, cursor="next"),
        pb.ListCoverageRequest(filter=COVERAGE_FILTER, page_size=5, page_token="next"),
    ),
    (lambda operations: operations.coverage_summary(), pb.GetCoverageSummaryRequest()),
    (
        lambda operations: operations.track_record("12m", "9"),
        pb.GetTrackRecordRequest(timeframe="12m", engine_version="9"),
    ),
    (
        lambda operations: operations.list_schedule_runs("sweep", limit=5),
        pb.ListScheduleRunsRequest(schedule="sweep", page_size=5),
    ),
    (
        lambda operations: operations.list_actions(limit=5, cursor="next"),
        pb.ListActionsRequest(page_size=5, page_token="next"),
    ),
    (lambda operations: operations.get_operation(3), pb.GetBulkOperationRequest(id=3)),
]
CHANGES: list[tuple[Callable[..., Awaitable[Message]], Message]] = [
    (
        lambda operations, **by: operations.run_job(7, reason="late", **by),
        pb.RunJobRequest(id=7, reason="late"),
    ),
    (
        lambda operations, **by: operations.prepare(pb.BULK_ACTION_REQUEUE, JOB_FILTER, **by),
        pb.PrepareBulkOperationRequest(action=pb.BULK_ACTION_REQUEUE, jobs=JOB_FILTER),
    ),
    (
        lambda operations, **by: operations.prepare(pb.BULK_ACTION_WARM, COVERAGE_FILTER, **by),
        pb.PrepareBulkOperationRequest(action=pb.BULK_ACTION_WARM, comparisons=COVERAGE_FILTER),
    ),
    (
        lambda operations, **by: operations.confirm(3, reason="after the outage", **by),
        pb.ConfirmBulkOperationRequest(id=3, reason="after the outage"),
    ),
    (lambda operations, **by: operations.abort(3, **by), pb.AbortBulkOperationRequest(id=3)),
]


def _operations(world: World) -> Operations:
    return world.components.operations


def _rpc(request: Message) -> str:
    return request.DESCRIPTOR.name.removesuffix("Request")


@pytest.mark.parametrize(("read", "request_sent"), READS, ids=[_rpc(request) for _, request in READS])
async def test_reads_send_no_secret(
    world: World, read: Callable[[Operations], Awaitable[Message]], request_sent: Message
) -> None:
    await read(_operations(world))
    call = world.jobs.only(_rpc(request_sent))
    assert call.request == request_sent
    assert metadata.SECRET not in call.metadata
    assert call.deadline is not None
    assert READ_SECONDS - 20 < call.deadline < READ_SECONDS + 0.5


@pytest.mark.parametrize(("change", "request_sent"), CHANGES)
async def test_changes_send_the_secret_and_the_operators_name(
    world: World, change: Callable[..., Awaitable[Message]], request_sent: Message
) -> None:
    await change(_operations(world), secret=SECRET, operator="Zoë / 🚀")
    await change(_operations(world), secret=SECRET)
    by_login, by_secret = world.jobs.calls[_rpc(request_sent)]
    assert by_login.request == by_secret.request == request_sent
    assert by_login.metadata[metadata.SECRET] == SECRET
    assert by_login.metadata[metadata.OPERATOR] == "Zo%C3%AB%20%2F%20%F0%9F%9A%80"
    assert metadata.OPERATOR not in by_secret.metadata


async def test_changes_of_single_jobs_have_reason_and_operator(world: World) -> None:
    jobs = world.components.jobs
    await jobs.trigger(ComparisonKey.parse("a-vs-b", "", ""), force=True, secret=SECRET, reason="late", operator="Zoë")
    await jobs.requeue_job(7, secret=SECRET, reason="late", operator="Zoë")
    await jobs.cancel_job(7, secret=SECRET, reason="late", operator="Zoë")
    for rpc in ("TriggerWarmup", "RequeueJob", "CancelJob"):
        call = world.jobs.only(rpc)
        assert call.request.reason == "late"
        assert call.metadata[metadata.OPERATOR] == "Zo%C3%AB"


@pytest.mark.parametrize(
    ("field", "name"), [("filter.timeframe", "tf"), ("jobs.error_reason", "errorReason"), ("page_token", "cursor")]
)
async def test_an_invalid_field_has_rests_name(world: World, field: str, name: str) -> None:
    world.reply(ListCoverage=invalid(field, "wrong"))
    with pytest.raises(WarmcastError) as refused:
        await _operations(world).list_coverage(COVERAGE_FILTER)
    assert refused.value.fields == ((name, "wrong"),)
