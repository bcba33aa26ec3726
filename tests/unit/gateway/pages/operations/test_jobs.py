"""What the console says of a job's state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.gateway.pages.operations.job.facts import JobFacts
from services.gateway.pages.operations.job.next_try import next_try
from services.gateway.pages.operations.jobs.view import job_row
from tests.integration.gateway.data import CANCELLED, FAILED, OLDER_HASH, QUEUED, READY, RUNNING, job, warmup

NOW = datetime(2026, 11, 30, 14, tzinfo=UTC)


def at(row: Any, **times: float) -> Any:
    """The job with times that many seconds ago; negative ones are in the future."""
    for name, seconds in times.items():
        getattr(row, name).FromDatetime(NOW - timedelta(seconds=seconds))
    return row


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (at(job(RUNNING), started_at=5, lease_expires_at=-11), "for 5 s, lease 11 s left"),
        (at(job(RUNNING), started_at=30, lease_expires_at=3), "for 30 s, lease expired 3 s ago"),
        (job(RUNNING), ""),
        (at(job(QUEUED), queued_at=50, not_before=-120), "next try in 2 min"),
        (at(job(QUEUED), queued_at=50, not_before=20), "due for 20 s"),
        (at(job(QUEUED), queued_at=50), "due for 50 s"),
        (at(job(READY), started_at=10, completed_at=9), "took 1 s"),
        (job(READY), ""),
        (at(job(FAILED), cooldown_until=-600), "retry possible in 10 min"),
        (at(job(FAILED), cooldown_until=600), "a request may retry it"),
        (job(CANCELLED), "a request may run it"),
    ],
)
def test_what_a_job_is_doing(row: Any, words: str) -> None:
    assert job_row(row, NOW).now == words


@pytest.mark.parametrize(
    ("row", "more", "words"),
    [
        (job(RUNNING), {}, "It runs now. If its lease expires, it is queued again at once."),
        (at(job(QUEUED, last_error="x"), not_before=-30), {}, "In 30 s, because attempt 1 ended with an error."),
        (at(job(QUEUED), not_before=-30), {}, "In 30 s."),
        (
            job(QUEUED),
            {"queue_position": 2, "eta_seconds": 1.5},
            "As soon as a runner is free. It is 2nd in line, about 1.5 s.",
        ),
        (job(QUEUED), {}, "As soon as a runner is free. It waits."),
        (at(job(FAILED), cooldown_until=-600), {}, "A request starts it again after its cool-down, in 10 min."),
        (at(job(FAILED), cooldown_until=600), {}, "The next request starts it again."),
        (job(CANCELLED), {}, "The next request starts it again."),
        (
            job(READY),
            {},
            "When its forecast is stale or lost, the next request or the refresh starts it again.",
        ),
    ],
)
def test_the_next_try_and_why(row: Any, more: dict[str, Any], words: str) -> None:
    assert next_try(facts(row, warmup(row, **more)), NOW) == words


def test_a_job_of_older_data_is_not_tried_again() -> None:
    row = job(QUEUED)
    row.data_hash = OLDER_HASH
    assert next_try(facts(row, warmup(row)), NOW).startswith("None: the comparison has newer data")


def test_without_the_comparison_the_job_speaks_for_itself() -> None:
    assert next_try(facts(job(QUEUED), None), NOW) == "As soon as a runner is free. It waits."


def facts(row: Any, current: jobs_pb2.GetWarmupResponse | None) -> JobFacts:
    return JobFacts(row, operations_pb2.ListAttemptsResponse(), current, None, None)
