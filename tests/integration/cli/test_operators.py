"""Commands for operators against a service that answers as the test says."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner, Result
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.cli.__main__ import app
from services.common import errors
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from tests.integration.gateway.data import FAILED, QUEUED, READY, job, moment
from tests.integration.gateway.peers import FakeJobs, listening

SECRET = "a secret of the tests"
NOON = moment("2026-01-01T12:00:00")
KEY = {"slug": "amazon-vs-costco", "timeframe": "12m", "geo": ""}


@dataclass
class Service:
    """A fake jobs service, and the command line in front of it."""

    jobs: FakeJobs
    address: str

    async def run(self, *words: str) -> Result:
        """Runs a command."""
        return await asyncio.to_thread(CliRunner().invoke, app, words, env=self.environment())

    async def printed(self, *words: str) -> str:
        """The output of a command that succeeds."""
        ended = await self.run(*words)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    def environment(self) -> dict[str, str]:
        """The variables of a command."""
        return {"JOBS_ADDR": self.address, "WARMUP_SECRET": SECRET, "WARMCAST_OPERATOR": "Zoë"}


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    jobs = FakeJobs()
    async with listening(jobs) as address:
        yield Service(jobs, address)


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


async def test_the_attempts_of_a_job(service: Service) -> None:
    lost = pb.Attempt(
        job_id=42,
        lease_id=99,
        attempt=2,
        reason="refresh",
        holder="jobs-1",
        due_at=NOON,
        claimed_at=moment("2026-01-01T12:00:01.5"),
        ended_at=moment("2026-01-01T12:01:00"),
        outcome="lease-expired",
        error_reason="unavailable",
        error="no answer",
        adopted=True,
        refused_at=NOON,
    )
    service.jobs.replies["ListAttempts"] = pb.ListAttemptsResponse(
        attempts=[lost, pb.Attempt(outcome="ready")], next_page_token="next"
    )
    ended = await service.run("jobs", "attempts", "42", "--limit", "2", "--page", "here")
    first, second = ended.stdout.splitlines()
    assert first.startswith("2026-01-01 12:01:00  lease-expired   attempt 2 of refresh  waited 1.50 s, ran 58 s")
    assert first.endswith(
        "lease 99  on jobs-1  adopted bundles  late result refused at 2026-01-01 12:00:00  unavailable: no answer"
    )
    assert "waited –, ran –" in second
    assert ended.stderr == "more: --page next\n"
    assert service.jobs.only("ListAttempts").request == pb.ListAttemptsRequest(
        job_id=42, page_size=2, page_token="here"
    )


async def test_json_has_every_field_with_numbers_short_names_and_nulls(service: Service) -> None:
    service.jobs.replies["ListAttempts"] = pb.ListAttemptsResponse(
        attempts=[pb.Attempt(job_id=42, outcome="ready", claimed_at=NOON)]
    )
    (attempt,) = json.loads(await service.printed("jobs", "attempts", "42", "--json"))
    assert set(attempt) == {field.json_name for field in pb.Attempt.DESCRIPTOR.fields}
    assert (attempt["jobId"], attempt["claimedAt"], attempt["dueAt"]) == (42, "2026-01-01T12:00:00Z", None)
    service.jobs.replies["GetJob"] = jobs_pb2.GetJobResponse(job=job(READY))
    assert json.loads(await service.printed("jobs", "show", "42"))["status"] == "ready"


@pytest.mark.parametrize(
    ("words", "rpc"),
    [
        (("sweep",), "Sweep"),
        (("refresh",), "RefreshForecasts"),
        (("retention",), "DeleteOldJobs"),
        (("status",), "GetStatus"),
        (("run-warmup",), "RunWarmup"),
        (("jobs", "list"), "ListJobs"),
        (("jobs", "show", "1"), "GetJob"),
        (("jobs", "run", "1"), "RunJob"),
        (("jobs", "cancel", "1"), "CancelJob"),
        (("jobs", "requeue", "1"), "RequeueJob"),
        (("jobs", "operation", "1"), "GetBulkOperation"),
        (("trust",), "GetTrustStats"),
        (("stats",), "GetStatistics"),
        (("coverage",), "ListCoverage"),
        (("audit",), "ListActions"),
    ],
)
async def test_every_client_command_prints_json(service: Service, words: tuple[str, ...], rpc: str) -> None:
    service.jobs.replies |= {
        "RunJob": pb.RunJobResponse(job=job(READY)),
        "CancelJob": jobs_pb2.CancelJobResponse(job=job(READY)),
        "RequeueJob": jobs_pb2.RequeueJobResponse(job=job(QUEUED)),
    }
    assert isinstance(json.loads(await service.printed(*words, "--json")), list | dict)
    assert service.jobs.calls[rpc]


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


async def test_the_statistics(service: Service) -> None:
    found = pb.GetStatisticsResponse(
        window_hours=24,
        to=NOON,
        bucketed=True,
        wait=pb.Percentiles(count=1_234, p50=0.5, p95=12, p99=1_250),
        outcomes=[
            pb.OutcomeCount(outcome="ready", count=1_200),
            pb.OutcomeCount(outcome="failed", error_reason="flat"),
        ],
        rescues=[pb.CauseCount(cause="lease-expired", count=3)],
        late_results_refused=4,
    )
    service.jobs.replies["GetStatistics"] = found
    lines = (await service.printed("stats", "--window", "24h")).splitlines()
    assert lines == [
        "– to 2026-01-01 12:00:00 UTC",
        "wait p50 0.50 s, p95 12 s, p99 1,250 s of 1,234, within 5 %",
        "run  nothing measured",
        "ready                1,200",
        "failed                   0  flat",
        "rescued: lease-expired, 3",
        "late results refused: 4",
        "bundles lost by the cache: 0",
    ]
    assert service.jobs.only("GetStatistics").request.window_hours == 24
    assert (await service.run("stats", "--window", "2h")).exit_code == 2


async def test_coverage(service: Service) -> None:
    comparison = jobs_pb2.Comparison(**KEY)  # type: ignore[arg-type] # all are strings
    warm = pb.CoveredComparison(comparison=comparison, state="stale", stale_because="age", warm_until=NOON, demand=2.55)
    fresh = pb.CoveredComparison(
        comparison=comparison, state="fresh", fresh_until=NOON, warm_until=moment("2026-01-07T12:00:00"), demand=1
    )
    service.jobs.replies |= {
        "ListCoverage": pb.ListCoverageResponse(comparisons=[warm, fresh], next_page_token="next"),
        "GetCoverageSummary": pb.GetCoverageSummaryResponse(
            all=pb.CoverageCount(comparisons=10_000, fresh=9_000, stale=3, stale_age=2, stale_engine_version=1)
        ),
    }
    chosen = ("--state", "stale", "-q", "ama", "--tf", "12m", "--geo", "US", "--requested", "--limit", "1")
    ended = await service.run("coverage", *chosen)
    assert ended.stdout.splitlines() == [
        "all:       10,000+ comparisons: 9,000 fresh, 3 stale, 0 cold; stale: 2 by age, 1 by engine-version",
        "requested: 0 comparisons: 0 fresh, 0 stale, 0 cold",
        "stale  until 2026-01-01 12:00:00  demand      2.5  amazon-vs-costco 12m worldwide  stale by age",
        "fresh  until 2026-01-01 12:00:00  demand      1.0  amazon-vs-costco 12m worldwide",
    ]
    assert ended.stderr == "more: --page next\n"
    expected = pb.CoverageFilter(state="stale", query="ama", timeframe="12m", geo="US", requested=True)
    assert service.jobs.only("ListCoverage").request == pb.ListCoverageRequest(filter=expected, page_size=1)
    assert (await service.run("coverage", "--state", "warm")).exit_code == 2


async def test_the_audit(service: Service) -> None:
    action = pb.OperatorAction(
        id=7, at=NOON, operator="Zoë", action="cancel", target='{"status":"failed"}', reason="an outage", count=3
    )
    by_operation = pb.OperatorAction(operator="secret", action="requeue", target="{}", operation_id=5, error="busy")
    service.jobs.replies["ListActions"] = pb.ListActionsResponse(actions=[action, by_operation])
    first, second = (await service.printed("audit")).splitlines()
    assert first == '2026-01-01 12:00:00  Zoë  cancel        3  {"status":"failed"}  “an outage”'
    assert second.endswith("operation 5  failed: busy")
    shown = json.loads(await service.printed("audit", "--json"))
    assert (shown[0]["id"], shown[0]["target"], shown[0]["requestId"]) == (7, {"status": "failed"}, "")


REFUSALS: list[tuple[Callable[[], WarmcastError], int]] = [
    (lambda: WarmcastError(errors.INVALID_ARGUMENT, "wrong"), 2),
    (lambda: WarmcastError(errors.TOO_LARGE, "more than 100,000 match"), 2),
    (lambda: WarmcastError(errors.UNAUTHENTICATED, "wrong secret"), 3),
    (lambda: WarmcastError(errors.NOT_FOUND, "no such job"), 1),
    (lambda: WarmcastError(errors.WRONG_STATE, "it is running"), 1),
    (lambda: WarmcastError(errors.UNAVAILABLE, "down"), 4),
    (lambda: WarmcastError(errors.DEADLINE_EXCEEDED, "late"), 4),
    (lambda: WarmcastError(errors.INTERNAL, "a bug"), 1),
]


@pytest.mark.parametrize(("refusal", "code"), REFUSALS)
async def test_each_error_has_its_exit_code(service: Service, refusal: Callable[[], WarmcastError], code: int) -> None:
    service.jobs.replies["RunJob"] = refusal()
    ended = await service.run("jobs", "run", "42")
    assert ended.exit_code == code
    assert ended.stderr.startswith("warmcast: ")
