"""Each row of the contract's table of premium answers, and each rule below it."""

from __future__ import annotations

import pytest

from services.common.job_status import JobStatus
from services.gateway.premium.decision import Bundles, Decision, Enqueue, Row, Served, decide

FRESH, STALE, MISSING = Bundles.FRESH, Bundles.STALE, Bundles.MISSING
QUEUED, RUNNING, READY, FAILED = (
    Row(JobStatus.QUEUED),
    Row(JobStatus.RUNNING),
    Row(JobStatus.READY),
    Row(JobStatus.FAILED),
)
CANCELLED, COOLING = Row(JobStatus.CANCELLED), Row(JobStatus.FAILED, cooling_down=True)
LATE_QUEUED, LATE_RUNNING = Row(JobStatus.QUEUED, overdue=True), Row(JobStatus.RUNNING, overdue=True)
DEFERRED = Row(JobStatus.QUEUED, deferred=True)
EVERY_ROW = (None, QUEUED, RUNNING, READY, FAILED, CANCELLED, COOLING, LATE_QUEUED, LATE_RUNNING, DEFERRED)


@pytest.mark.parametrize("row", EVERY_ROW)
@pytest.mark.parametrize("previous", Bundles)
def test_both_fresh_any_row(previous: Bundles, row: Row | None) -> None:
    decision = decide(FRESH, previous, row)
    assert (decision.status, decision.available, decision.stale) == (JobStatus.READY, True, False)
    assert decision.enqueue is None
    assert decision.served is Served.CURRENT


@pytest.mark.parametrize("row", EVERY_ROW)
@pytest.mark.parametrize("previous", Bundles)
def test_both_stale_any_row(previous: Bundles, row: Row | None) -> None:
    decision = decide(STALE, previous, row)
    assert (decision.status, decision.available, decision.stale) == (JobStatus.READY, True, True)
    assert decision.served is Served.CURRENT


@pytest.mark.parametrize(
    ("row", "enqueue", "refreshing"),
    [
        (None, Enqueue.REFRESH, False),
        (CANCELLED, Enqueue.REFRESH, False),
        (READY, Enqueue.REFRESH, False),
        (FAILED, Enqueue.REFRESH, False),
        (COOLING, None, False),  # a failed refresh must not cause a retry storm
        (QUEUED, None, True),
        (DEFERRED, None, True),  # stale forecasts are served meanwhile
        (RUNNING, None, True),
        (LATE_QUEUED, Enqueue.REFRESH, True),
        (LATE_RUNNING, Enqueue.REFRESH, True),
    ],
)
def test_both_stale_enqueues_once(row: Row | None, enqueue: Enqueue | None, refreshing: bool) -> None:
    decision = decide(STALE, MISSING, row)
    assert (decision.enqueue, decision.refreshing) == (enqueue, refreshing)


MISSING_LINES = [
    (None, JobStatus.QUEUED, Enqueue.FIRST_CALL),
    (CANCELLED, JobStatus.QUEUED, Enqueue.FIRST_CALL),
    (QUEUED, JobStatus.QUEUED, None),
    (DEFERRED, JobStatus.QUEUED, Enqueue.FIRST_CALL),
    (RUNNING, JobStatus.RUNNING, None),
    (LATE_QUEUED, JobStatus.QUEUED, Enqueue.FIRST_CALL),
    (LATE_RUNNING, JobStatus.RUNNING, Enqueue.FIRST_CALL),
    (COOLING, JobStatus.FAILED, None),
    (FAILED, JobStatus.FAILED, Enqueue.FIRST_CALL),
    (READY, JobStatus.QUEUED, Enqueue.CACHE_LOST),
]


@pytest.mark.parametrize(("row", "status", "enqueue"), MISSING_LINES)
def test_missing(row: Row | None, status: JobStatus, enqueue: Enqueue | None) -> None:
    assert decide(MISSING, MISSING, row) == Decision(
        status, Served.NOTHING, stale=False, refreshing=False, enqueue=enqueue
    )


@pytest.mark.parametrize("previous", [FRESH, STALE])
@pytest.mark.parametrize(("row", "status", "enqueue"), MISSING_LINES)
def test_missing_with_bundles_of_the_previous_snapshot(
    row: Row | None, status: JobStatus, enqueue: Enqueue | None, previous: Bundles
) -> None:
    decision = decide(MISSING, previous, row)
    assert (decision.status, decision.enqueue) == (status, enqueue)
    assert (decision.available, decision.stale, decision.served) == (True, True, Served.PREVIOUS)
    assert decision.refreshing == (row is not None and row.status in (JobStatus.QUEUED, JobStatus.RUNNING))


@pytest.mark.parametrize("row", EVERY_ROW)
@pytest.mark.parametrize("previous", Bundles)
def test_ready_requires_the_current_bundles(previous: Bundles, row: Row | None) -> None:
    assert decide(MISSING, previous, row).status is not JobStatus.READY


@pytest.mark.parametrize("current", Bundles)
@pytest.mark.parametrize("row", [QUEUED, RUNNING, COOLING])
def test_an_enqueue_is_not_followed_by_another(current: Bundles, row: Row) -> None:
    assert decide(current, MISSING, row).enqueue is None
