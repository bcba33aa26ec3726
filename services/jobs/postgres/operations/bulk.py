"""Bulk operations: prepared, confirmed, and changed in batches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from sqlalchemy import Select, select

from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.domain.job import BULK_PRIORITY, WarmupJob
from services.jobs.domain.operations import (
    CHANGEABLE,
    MAX_MATCHED,
    SAMPLE,
    Actor,
    Batch,
    BatchFailedError,
    BulkAction,
    BulkOperation,
    JsonObject,
    Record,
    described,
)
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.reports.coverage import CoverageFilter, CoveredComparison
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver.connection import Connection, run
from services.jobs.postgres.driver.database import Database, compiled
from services.jobs.postgres.operations.actions import recording
from services.jobs.postgres.reports.coverage import Coverage
from services.jobs.postgres.rows import to_job
from services.jobs.postgres.sql import bulk, by_hand, job_filter
from services.jobs.postgres.sql.job_filter import written

BATCH = 500  # rows changed in one transaction
# Queued jobs, without refreshes, from which on nothing is enqueued: at most, and while no run was measured or no
# forecaster accepts runs.
MAX_WAITING, UNMEASURED = 1000, 100
LEASE_SECONDS = 10.0  # after which another replica resumes an operation
_LONGEST_PREPARE = 50.0  # seconds, for a filter that no index answers

# Nothing is recorded with a batch: the operation was recorded when it was confirmed.
_UNRECORDED = recording(None)


class BulkOperations:
    """The table of bulk operations. Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(
        self,
        database: Database,
        coverage: Coverage,
        *,
        holder: str,
        publisher: ChangePublisher,
        slots: Callable[[], int],
        batch: int = BATCH,
        max_waiting: int = MAX_WAITING,
        unmeasured: int = UNMEASURED,
        lease: float = LEASE_SECONDS,
    ) -> None:
        """`holder` is another one in each process; `slots` are those of all forecasters, 0 while they are unknown."""
        self._database = database
        self._coverage = coverage
        self._publisher = publisher
        self._slots = slots
        self._parameters: dict[str, object] = {
            "holder": holder,
            "batch": batch,
            "max_waiting": max_waiting,
            "unmeasured": unmeasured,
            "lease": lease,
        }

    async def prepare_jobs(self, action: BulkAction, wanted: JobFilter, *, operator: str) -> BulkOperation | None:
        """Stores which jobs match and can be changed; None: they are more than MAX_MATCHED."""
        return await self._prepare(action, *compiled(_changeable(action, wanted)), described(wanted), operator)

    async def prepare_comparisons(self, wanted: CoverageFilter, *, operator: str) -> BulkOperation | None:
        """Stores the current snapshots of the comparisons that match; None: they are more than MAX_MATCHED."""
        matching = await self._coverage.matching(wanted, limit=MAX_MATCHED + 1)
        return await self._prepare(BulkAction.WARM, *matching, described(wanted), operator)

    async def sample(self, operation_id: int) -> list[WarmupJob]:
        """The first jobs of an operation on jobs, as they are now."""
        rows = await self._database.fetch(bulk.SAMPLED_JOBS, {"id": operation_id, "limit": SAMPLE})
        return [to_job(row) for row in rows]

    async def sample_comparisons(self, wanted: CoverageFilter) -> list[CoveredComparison]:
        """The most popular comparisons that match, without those whose job runs."""
        page = await self._coverage.page(wanted, limit=SAMPLE, after=None)
        return [each for each in page.comparisons if each.status is not JobStatus.RUNNING]

    async def get(self, operation_id: int) -> BulkOperation | None:
        """One operation; None: there is none, or it has expired."""
        return await self._one(bulk.GET, {"id": operation_id})

    async def confirm(self, operation_id: int, actor: Actor) -> BulkOperation | None:
        """Starts a prepared operation and records the action; None: it is not prepared."""
        return await self._one(bulk.CONFIRM, {"id": operation_id, **recording(Record(actor, {}))})

    async def abort(self, operation_id: int, actor: Actor) -> BulkOperation | None:
        """Ends a prepared or running operation, and records that of a running one; None: it is neither."""
        record = Record(actor, {"operationId": operation_id})
        return await self._one(bulk.ABORT, {"id": operation_id, **recording(record)})

    async def delete_expired(self) -> int:
        """Deletes prepared operations that have expired; returns their number."""
        return len(await self._database.fetch(bulk.DELETE_EXPIRED))

    async def run_batch(self) -> Batch | None:
        """Changes the next rows of an operation that no other process runs; None: there is none.

        The changes and the progress are one transaction, so that each row is changed once, however a process ends.
        A batch that enqueues is at most as large as the queue has room for; without any it only renews the lease.
        Raises BatchFailedError.
        """
        taken: DictRow | None = None

        async def take_and_run(connection: Connection) -> tuple[Batch, list[int]] | None:
            nonlocal taken
            rows = await run(connection, bulk.TAKE, {**self._parameters, "slots": self._slots()})
            taken = rows[0] if rows else None
            return await self._run_taken(connection, taken) if taken else None

        try:
            result = await self._database.transact(take_and_run, on_unknown_outcome=self._publisher.publish_unknown)
        except Exception as error:
            failed = await self._count_failure(taken, error) if taken else None
            if failed is None:
                raise
            raise BatchFailedError(failed) from error
        if result is None:
            return None
        batch, changed = result
        self._publisher.publish(changed)
        return batch

    async def _run_taken(self, connection: Connection, taken: DictRow) -> tuple[Batch, list[int]]:
        waits = taken["size"] == 0
        parameters = {**self._parameters, "operation": taken["id"], "batch": taken["size"]}
        changed: list[int] = []
        if waits:
            await run(connection, bulk.HOLD, parameters)
        else:
            changed = await _CHANGES[BulkAction(taken["action"])](connection, parameters)
            await run(connection, bulk.ADVANCE, {**parameters, "changed": len(changed)})
            await run(connection, bulk.FINISH, parameters)
        (row,) = await run(connection, bulk.GET, {"id": taken["id"]})
        return Batch(BulkOperation(**row), len(changed), waits), changed

    async def _count_failure(self, taken: DictRow, error: Exception) -> BulkOperation | None:
        """The operation after its batch failed; None: another process has changed it since.

        PostgreSQL stores the failure: while it is unavailable, this raises and none is counted.
        """
        parameters = {"operation": taken["id"], "position": taken["position"], "error": _described(error)}
        async with self._database.transaction() as connection:
            counted = await run(connection, bulk.COUNT_FAILURE, parameters)
            ended = await run(connection, bulk.GIVE_UP, parameters)
        rows = ended or counted
        return BulkOperation(**rows[0]) if rows else None

    async def _prepare(
        self,
        action: BulkAction,
        matching: str,
        parameters: Mapping[str, object],
        filter_json: JsonObject,
        operator: str,
    ) -> BulkOperation | None:
        named = {"action": action.value, "filter": Jsonb(filter_json), "operator": operator}
        async with self._database.transaction(longest=_LONGEST_PREPARE) as connection:
            rows = await run(connection, bulk.prepare(matching), {**parameters, **named})
        return BulkOperation(**rows[0]) if rows else None

    async def _one(self, statement: str, parameters: Mapping[str, object]) -> BulkOperation | None:
        rows = await self._database.fetch(statement, parameters)
        return BulkOperation(**rows[0]) if rows else None


def _described(error: Exception) -> str:
    # The text of a driver's error may contain values of rows.
    return error.detail if isinstance(error, WarmcastError) else f"{type(error).__name__}; the log of jobs says more"


def _changeable(action: BulkAction, wanted: JobFilter) -> Select[Any]:
    jobs = job_filter.source(wanted)
    required = job_filter.conditions(wanted, jobs)
    if wanted.status is None:
        required += job_filter.of_status(wanted, jobs, CHANGEABLE[action])
    # One more than an operation may have shows that they are too many.
    return select(jobs.c.id, jobs.c.version).where(*required).limit(written(MAX_MATCHED + 1))


async def _requeue(connection: Connection, parameters: Mapping[str, object]) -> list[int]:
    return await _requeue_ids(connection, await _ids(connection, bulk.LOCK_JOBS, parameters))


async def _cancel(connection: Connection, parameters: Mapping[str, object]) -> list[int]:
    ids = await _ids(connection, bulk.LOCK_JOBS, parameters)
    return await _ids(connection, by_hand.CANCEL, {"ids": ids, **_UNRECORDED})


async def _warm(connection: Connection, parameters: Mapping[str, object]) -> list[int]:
    current = await run(connection, bulk.LOCK_COMPARISONS, parameters)
    without_job = [row["snapshot_id"] for row in current if row["version"] == 0]
    with_job = [row for row in current if row["version"] > 0]
    as_prepared = {
        "snapshots": [row["snapshot_id"] for row in with_job],
        "versions": [row["version"] for row in with_job],
    }
    ids = await _ids(connection, bulk.LOCK_CURRENT_JOBS, as_prepared)
    created = await _ids(connection, bulk.CREATE_JOBS, {"snapshots": without_job})
    return created + await _requeue_ids(connection, ids)


async def _requeue_ids(connection: Connection, ids: list[int]) -> list[int]:
    parameters = {"ids": ids, "status": None, "priority": BULK_PRIORITY, **_UNRECORDED}
    return await _ids(connection, by_hand.REQUEUE, parameters)


async def _ids(connection: Connection, statement: str, parameters: Mapping[str, object]) -> list[int]:
    return [row["id"] for row in await run(connection, statement, parameters)]


_Change = Callable[[Connection, Mapping[str, object]], Awaitable[list[int]]]
_CHANGES: Mapping[BulkAction, _Change] = {
    BulkAction.REQUEUE: _requeue,
    BulkAction.CANCEL: _cancel,
    BulkAction.WARM: _warm,
}
