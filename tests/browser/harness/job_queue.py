"""Jobs in memory, as the fake service returns them, with bulk operations that a test runs step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import CANCELLED, FAILED, HASH, QUEUED, READY, RUNNING, Status, moment

_SAMPLE = 20
_ACTIONS = operations_pb2.BULK_ACTION_REQUEUE, operations_pb2.BULK_ACTION_CANCEL
_MAY_BE = {
    operations_pb2.BULK_ACTION_REQUEUE: {QUEUED, READY, FAILED, CANCELLED},
    operations_pb2.BULK_ACTION_CANCEL: {QUEUED, RUNNING},
}
_BECOMES = {operations_pb2.BULK_ACTION_REQUEUE: QUEUED, operations_pb2.BULK_ACTION_CANCEL: CANCELLED}


@dataclass
class _Prepared:
    """A bulk operation with the versions of its jobs."""

    operation: operations_pb2.BulkOperation
    remaining: list[tuple[int, int]]  # id, version


@dataclass
class JobQueue:
    """The jobs of a world. `install` makes the fake service answer with them."""

    world: World
    jobs: dict[int, jobs_pb2.WarmupJob] = field(default_factory=dict)
    actions: list[operations_pb2.OperatorAction] = field(default_factory=list)
    _operations: dict[int, _Prepared] = field(default_factory=dict)
    _job_ids: count[int] = field(default_factory=lambda: count(1))
    _operation_ids: count[int] = field(default_factory=lambda: count(1))

    def install(self) -> None:
        """Sets the replies of the fake service."""
        self.world.reply(
            ListJobs=self._list,
            GetJob=lambda request: jobs_pb2.GetJobResponse(job=self.jobs[request.id]),
            RequeueJob=lambda request: jobs_pb2.RequeueJobResponse(job=self.change(request.id, QUEUED)),
            CancelJob=lambda request: jobs_pb2.CancelJobResponse(job=self.change(request.id, CANCELLED)),
            PrepareBulkOperation=self._prepare,
            ConfirmBulkOperation=self._confirm,
            AbortBulkOperation=self._abort,
            GetBulkOperation=lambda request: operations_pb2.GetBulkOperationResponse(
                operation=self._operations[request.id].operation
            ),
            ListActions=lambda _: operations_pb2.ListActionsResponse(actions=self.actions),
        )

    def add(self, number: int, status: Status = FAILED) -> list[int]:
        """Adds so many jobs, each newer than the one before, and publishes a change."""
        added = [next(self._job_ids) for _ in range(number)]
        for job_id in added:
            self.jobs[job_id] = _new_job(job_id, status)
        self._publish(self.jobs[added[-1]])
        return added

    def change(self, job_id: int, status: Status) -> jobs_pb2.WarmupJob:
        """Moves a job, as a runner or another operator does, and publishes the change."""
        row = self.jobs[job_id]
        row.status = status
        row.version += 1
        self._publish(row)
        return row

    def prepare(self, action: operations_pb2.BulkAction.ValueType, jobs: operations_pb2.JobFilter) -> int:
        """Prepares an operation, as another operator does; returns its id."""
        request = operations_pb2.PrepareBulkOperationRequest(action=action, jobs=jobs)
        return self._prepare(request).operation.id

    def confirm(self, operation_id: int, reason: str) -> None:
        """Starts an operation, as another operator does."""
        self._confirm(operations_pb2.ConfirmBulkOperationRequest(id=operation_id, reason=reason))

    def run(self, operation_id: int, number: int) -> None:
        """Changes the next jobs of a running operation; the last batch ends it."""
        prepared = self._operations[operation_id]
        operation = prepared.operation
        assert operation.state == "running", operation.state
        batch, prepared.remaining = prepared.remaining[:number], prepared.remaining[number:]
        for job_id, version in batch:
            if self.jobs[job_id].version != version:
                operation.skipped += 1
                continue
            self.change(job_id, _BECOMES[operation.action])
            operation.done += 1
        if not prepared.remaining:
            operation.state = "done"
            operation.ended_at.GetCurrentTime()

    def _list(self, request: jobs_pb2.ListJobsRequest) -> jobs_pb2.ListJobsResponse:
        matching = self._matching(request)
        before = int(request.page_token or 0)
        found = [row for row in matching if not before or row.id < before]
        size = request.page_size or 50
        token = str(found[size - 1].id) if len(found) > size else ""
        return jobs_pb2.ListJobsResponse(jobs=found[:size], next_page_token=token)

    def _matching(self, wanted: Any) -> list[jobs_pb2.WarmupJob]:
        """Newest first, by the fields that the tests filter by."""
        return [
            row
            for row in sorted(self.jobs.values(), key=lambda row: -row.id)
            if wanted.status in (jobs_pb2.JOB_STATUS_UNSPECIFIED, row.status)
            and wanted.slug in ("", row.slug)
            and wanted.error_reason in ("", row.error_reason)
        ]

    def _prepare(
        self, request: operations_pb2.PrepareBulkOperationRequest
    ) -> operations_pb2.PrepareBulkOperationResponse:
        assert request.action in _ACTIONS
        matching = [row for row in self._matching(request.jobs) if row.status in _MAY_BE[request.action]]
        operation = operations_pb2.BulkOperation(
            id=next(self._operation_ids),
            action=request.action,
            filter='{"status": "failed"}',
            state="prepared",
            matched=len(matching),
            operator="Ada",
        )
        operation.created_at.GetCurrentTime()
        self._operations[operation.id] = _Prepared(operation, sorted((row.id, row.version) for row in matching))
        return operations_pb2.PrepareBulkOperationResponse(operation=operation, sample=matching[:_SAMPLE])

    def _confirm(
        self, request: operations_pb2.ConfirmBulkOperationRequest
    ) -> operations_pb2.ConfirmBulkOperationResponse:
        operation = self._operations[request.id].operation
        operation.state, operation.reason = "running", request.reason
        operation.started_at.GetCurrentTime()
        return operations_pb2.ConfirmBulkOperationResponse(operation=operation)

    def _abort(self, request: operations_pb2.AbortBulkOperationRequest) -> operations_pb2.AbortBulkOperationResponse:
        operation = self._operations[request.id].operation
        operation.state = "aborted"
        operation.ended_at.GetCurrentTime()
        return operations_pb2.AbortBulkOperationResponse(operation=operation)

    def _publish(self, row: jobs_pb2.WarmupJob) -> None:
        key = jobs_pb2.ComparisonKey(slug=row.slug, timeframe=row.timeframe, geo=row.geo)
        change = jobs_pb2.WarmupChange(key=key, data_hash=row.data_hash, status=row.status, version=row.version)
        self.world.jobs.publish(jobs_pb2.WatchWarmupsResponse(changes=[change]))


def _new_job(job_id: int, status: Status) -> jobs_pb2.WarmupJob:
    failed = status == FAILED
    return jobs_pb2.WarmupJob(
        id=job_id,
        slug=f"tea-vs-coffee{job_id}",
        timeframe="12m",
        geo="US",
        data_hash=HASH,
        status=status,
        attempts=5 if failed else 1,
        last_error="cache-unavailable: Redis refuses writes" if failed else "",
        error_reason="cache-unavailable" if failed else "",
        debug_id=f"debug-{job_id}",
        version=3,
        priority=100,
        engine_version="9",
        reason="first-call",
        created_at=moment("2026-01-01T10:00:00"),
        updated_at=moment("2026-01-01T10:00:01"),
        queued_at=moment("2026-01-01T10:00:00"),
        started_at=moment("2026-01-01T10:00:00.2"),
        completed_at=moment("2026-01-01T10:00:00.5") if status == READY else None,
    )
