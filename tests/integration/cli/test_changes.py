"""Commands that change jobs: one, or all that match a filter."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from tests.integration.cli.conftest import Service
from tests.integration.gateway.data import FAILED, QUEUED, READY, job


def operation(state: str, *, done: int = 0, skipped: int = 0) -> pb.BulkOperation:
    return pb.BulkOperation(
        id=5, action=pb.BULK_ACTION_CANCEL, filter="{}", state=state, matched=3_000, done=done, skipped=skipped
    )


def bulk(service: Service, *states: pb.BulkOperation) -> None:
    """Replies of an operation that has each state in turn, and keeps the last one."""
    remaining = list(states)

    def progress(_request: Any) -> pb.GetBulkOperationResponse:
        return pb.GetBulkOperationResponse(operation=remaining.pop(0) if len(remaining) > 1 else remaining[0])

    prepared = pb.PrepareBulkOperationResponse(operation=operation("prepared"), sample=[job(FAILED)])
    service.jobs.replies |= {
        "PrepareBulkOperation": prepared,
        "ConfirmBulkOperation": pb.ConfirmBulkOperationResponse(operation=operation("running")),
        "GetBulkOperation": progress,
    }


async def test_one_job_is_run_at_once(service: Service) -> None:
    service.jobs.replies["RunJob"] = pb.RunJobResponse(job=job(READY))
    assert "ready" in await service.printed("jobs", "run", "42", "--reason", "late")
    assert service.jobs.only("RunJob").request == pb.RunJobRequest(id=42, reason="late")
    service.jobs.replies["RunJob"] = pb.RunJobResponse(job=job(FAILED, last_error="flat"))
    failed = await service.run("jobs", "run", "42")
    assert (failed.exit_code, "flat" in failed.stdout) == (1, True)


@pytest.mark.parametrize(("action", "rpc"), [("cancel", "CancelJob"), ("requeue", "RequeueJob")])
async def test_one_job_is_changed_with_a_reason(service: Service, action: str, rpc: str) -> None:
    service.jobs.replies |= {
        "CancelJob": jobs_pb2.CancelJobResponse(job=job(READY)),
        "RequeueJob": jobs_pb2.RequeueJobResponse(job=job(QUEUED)),
    }
    await service.printed("jobs", action, "42", "--reason", "late")
    call = service.jobs.only(rpc)
    assert (call.request.id, call.request.reason) == (42, "late")
    assert metadata.operator(tuple(call.metadata.items())) == "secret (Zoë)"


@pytest.mark.parametrize(("action", "number"), [("cancel", pb.BULK_ACTION_CANCEL), ("requeue", pb.BULK_ACTION_REQUEUE)])
async def test_all_that_match_are_changed_and_the_progress_is_shown(
    service: Service, action: str, number: pb.BulkAction.ValueType
) -> None:
    bulk(service, operation("running", done=500), operation("done", done=2_990, skipped=10))
    chosen = ["--status", "failed", "--slug", "a-vs-b", "--tf", "12m", "--geo", "", "--episode-reason", "refresh"]
    more = ["--error-reason", "flat", "--engine-version", "9", "--older-than", "60", "--newer-than", "3600"]
    ended = await service.run("jobs", action, *chosen, *more, "--reason", "an outage")
    assert ended.exit_code == 0, ended.output
    assert ended.stderr.splitlines() == [
        "operation 5: running, 0 of 3,000 changed",
        "operation 5: running, 500 of 3,000 changed",
        "operation 5: done, 2,990 of 3,000 changed, 10 skipped because they had changed",
    ]
    assert service.jobs.only("PrepareBulkOperation").request == pb.PrepareBulkOperationRequest(
        action=number,
        jobs=pb.JobFilter(
            status=FAILED,
            slug="a-vs-b",
            timeframe="12m",
            geo="",
            reason="refresh",
            error_reason="flat",
            engine_version="9",
            older_than_seconds=60,
            newer_than_seconds=3_600,
        ),
    )
    confirmed = service.jobs.only("ConfirmBulkOperation")
    assert confirmed.request == pb.ConfirmBulkOperationRequest(id=5, reason="an outage")
    assert metadata.operator(tuple(confirmed.metadata.items())) == "secret (Zoë)"


async def test_a_dry_run_confirms_nothing(service: Service) -> None:
    bulk(service, operation("done"))
    ended = await service.run("jobs", "cancel", "--status", "failed", "--dry-run")
    assert (ended.exit_code, ended.stderr) == (0, "3,000 would be changed\n")
    assert "amazon-vs-costco" in ended.stdout
    shown = json.loads(await service.printed("jobs", "cancel", "--status", "failed", "--dry-run", "--json"))
    assert (shown["operation"]["matched"], shown["sample"][0]["status"]) == (3_000, "failed")
    assert "ConfirmBulkOperation" not in service.jobs.calls


async def test_an_operation_that_another_aborts_is_a_failure(service: Service) -> None:
    bulk(service, operation("aborted", done=500))
    ended = await service.run("jobs", "cancel", "--status", "failed", "--reason", "an outage", "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["state"] == "aborted"
    assert (await service.run("jobs", "operation", "5")).exit_code == 1


async def test_an_operation_that_fails_says_why(service: Service) -> None:
    failed = operation("failed", done=500)
    failed.error = "PostgreSQL is busy"
    bulk(service, failed)
    ended = await service.run("jobs", "cancel", "--status", "failed", "--reason", "an outage")
    assert ended.exit_code == 1
    assert ended.stderr.endswith("failed, 500 of 3,000 changed; its last batch failed: PostgreSQL is busy\n")
    assert (await service.run("jobs", "operation", "5")).exit_code == 1


async def test_a_lost_connection_says_that_the_operation_goes_on(service: Service) -> None:
    bulk(service, operation("running"))
    service.jobs.replies["GetBulkOperation"] = WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable")
    ended = await service.run("jobs", "cancel", "--status", "failed", "--reason", "an outage")
    assert ended.exit_code == 4
    assert "operation 5 goes on in the background; see `warmcast jobs operation 5`" in ended.stderr


async def test_ctrl_c_aborts_the_operation(service: Service) -> None:
    bulk(service, operation("running", done=500))
    service.jobs.replies["AbortBulkOperation"] = pb.AbortBulkOperationResponse(operation=operation("aborted", done=500))
    words = ("jobs", "cancel", "--status", "failed", "--reason", "an outage")
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *words),
        env=os.environ | service.environment(),
        stderr=asyncio.subprocess.PIPE,
    )
    assert running.stderr is not None
    async with asyncio.timeout(60):
        while b"500 of 3,000" not in await running.stderr.readline():
            pass
        running.send_signal(signal.SIGINT)
        said = await running.stderr.read()
        assert await running.wait() == 130
    assert said.decode() == "aborted; operation 5: aborted, 500 of 3,000 changed\n"
    assert service.jobs.only("AbortBulkOperation").request.id == 5


@pytest.mark.parametrize("action", ["cancel", "requeue"])
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--reason", "an outage"),
        ("--status", "failed"),
        ("--status", "failed", "--reason", " "),
        ("--status", "lost", "--reason", "an outage"),
        ("42", "--status", "failed"),
        ("42", "--dry-run"),
        ("--dry-run",),
    ],
)
async def test_wrong_usage_makes_no_call(service: Service, action: str, words: tuple[str, ...]) -> None:
    assert (await service.run("jobs", action, *words)).exit_code == 2
    assert not service.jobs.calls


async def test_an_operation_is_shown_and_aborted(service: Service) -> None:
    bulk(service, operation("running", done=500))
    assert await service.printed("jobs", "operation", "5") == "operation 5: running, 500 of 3,000 changed\n"
    service.jobs.replies["AbortBulkOperation"] = pb.AbortBulkOperationResponse(operation=operation("aborted"))
    assert "aborted" in await service.printed("jobs", "operation", "5", "--abort")
    assert service.jobs.only("AbortBulkOperation").request.id == 5
