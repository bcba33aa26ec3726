"""Commands that show operators the queue, its history and statistics; and the exit codes of errors."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.cli.conftest import KEY, NOON, Service
from tests.integration.gateway.data import QUEUED, READY, job, moment


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
        "rescued (lease-expired): 3",
        "late results refused: 4",
        "bundles lost by the cache: 0",
    ]
    assert service.jobs.only("GetStatistics").request.window_hours == 24
    assert (await service.run("stats", "--window", "2h")).exit_code == 2


async def test_status_counts_settled_jobs_of_a_day(service: Service) -> None:
    counts = ((jobs_pb2.JOB_STATUS_QUEUED, 2), (jobs_pb2.JOB_STATUS_FAILED, 10_000))
    service.jobs.replies["GetStatus"] = jobs_pb2.GetStatusResponse(
        counts=[jobs_pb2.StatusCount(status=each, count=count) for each, count in counts]
    )
    queued, failed, *_ = (await service.printed("status")).splitlines()
    assert (queued.split(), failed.split()) == (["queued", "2"], ["failed", "10000+", "in", "24", "h"])


async def test_coverage(service: Service) -> None:
    comparison = jobs_pb2.Comparison(**KEY)  # type: ignore[arg-type] # all are strings
    warm = pb.CoveredComparison(comparison=comparison, state="stale", stale_because="age", warm_until=NOON, demand=2.55)
    fresh = pb.CoveredComparison(
        comparison=comparison, state="fresh", fresh_until=NOON, warm_until=moment("2026-01-07T12:00:00"), demand=1
    )
    cold = pb.CoveredComparison(comparison=comparison, state="cold", warm_until=NOON)
    service.jobs.replies |= {
        "ListCoverage": pb.ListCoverageResponse(comparisons=[warm, fresh, cold], next_page_token="next"),
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
        "cold   since 2026-01-01 12:00:00  demand      0.0  amazon-vs-costco 12m worldwide",
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
