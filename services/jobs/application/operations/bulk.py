"""Operations on all that match a filter: their rules, and the loop that runs them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Protocol

import structlog

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.common.runtime.background import beat, report_failure
from services.jobs.application.metrics import count_enqueued
from services.jobs.domain.job import EnqueueReason, WarmupJob
from services.jobs.domain.operations import (
    CHANGEABLE,
    MAX_MATCHED,
    Actor,
    Batch,
    BatchFailedError,
    BulkAction,
    BulkOperation,
    BulkState,
)
from services.jobs.domain.queue import JobFilter
from services.jobs.domain.reports.coverage import CoverageFilter, CoveredComparison

log = structlog.get_logger()

_POLL_SECONDS = 2.0  # between searches for an operation that another replica started or left
_PAUSE_SECONDS = 0.02  # between batches, in which an abort gets the row
_WAIT_SECONDS = 1.0  # between counts of the queue while enough jobs wait; well below the lease
_RETRY_SECONDS = 1.0
_EXPIRE_EVERY = 60.0  # seconds


class BulkStore(Protocol):
    """What bulk operations need of postgres.operations.bulk.BulkOperations."""

    async def prepare_jobs(self, action: BulkAction, wanted: JobFilter, *, operator: str) -> BulkOperation | None: ...

    async def prepare_comparisons(self, wanted: CoverageFilter, *, operator: str) -> BulkOperation | None: ...

    async def sample(self, operation_id: int) -> list[WarmupJob]: ...

    async def sample_comparisons(self, wanted: CoverageFilter) -> list[CoveredComparison]: ...

    async def get(self, operation_id: int) -> BulkOperation | None: ...

    async def confirm(self, operation_id: int, actor: Actor) -> BulkOperation | None: ...

    async def abort(self, operation_id: int, actor: Actor) -> BulkOperation | None: ...

    async def delete_expired(self) -> int: ...

    async def run_batch(self) -> Batch | None:
        """Raises BatchFailedError."""


class Bulk:
    """Prepares, starts and ends operations, and runs them in batches in `run`."""

    def __init__(self, store: BulkStore, *, poll: float = _POLL_SECONDS, wait: float = _WAIT_SECONDS) -> None:
        self._store = store
        self._poll = poll
        self._wait = wait
        self._woken = asyncio.Event()
        self._expired_at = float("-inf")
        self._reachable = True  # PostgreSQL answered the last pass

    async def prepare_jobs(
        self, action: BulkAction, wanted: JobFilter, *, operator: str
    ) -> tuple[BulkOperation, list[WarmupJob]]:
        """Stores which jobs match, and returns the first of them. Raises TOO_LARGE."""
        if wanted.status is not None and wanted.status not in CHANGEABLE[action]:
            allowed = ", ".join(sorted(CHANGEABLE[action]))
            raise invalid("status", f"{action.value} changes no {wanted.status.value} jobs; it changes: {allowed}")
        operation = await self._store.prepare_jobs(action, wanted, operator=operator)
        if operation is None:
            raise _too_many("jobs")
        return operation, await self._store.sample(operation.id)

    async def prepare_comparisons(
        self, wanted: CoverageFilter, *, operator: str
    ) -> tuple[BulkOperation, list[CoveredComparison]]:
        """Stores which comparisons match, and returns the most popular of them. Raises TOO_LARGE."""
        operation = await self._store.prepare_comparisons(wanted, operator=operator)
        if operation is None:
            raise _too_many("comparisons")
        return operation, await self._store.sample_comparisons(wanted)

    async def get(self, operation_id: int) -> BulkOperation:
        """One operation. Raises NOT_FOUND, also once it has expired."""
        operation = await self._store.get(operation_id)
        if operation is None:
            detail = f"there is no bulk operation {operation_id}; a prepared one expires after an hour"
            raise WarmcastError(errors.NOT_FOUND, detail)
        return operation

    async def confirm(self, operation_id: int, actor: Actor) -> BulkOperation:
        """Starts a prepared operation; a started one is left as it is.

        Raises NOT_FOUND, or WRONG_STATE if it was aborted or has failed.
        """
        operation = await self._store.confirm(operation_id, actor)
        if operation is not None:
            log.info("bulk operation started", operation_id=operation.id, action=operation.action.value)
            self._woken.set()
            return operation
        operation = await self.get(operation_id)
        if operation.state in (BulkState.ABORTED, BulkState.FAILED):
            ended = "was aborted" if operation.state is BulkState.ABORTED else "has failed"
            raise WarmcastError(errors.WRONG_STATE, f"bulk operation {operation_id} {ended}; prepare another one")
        return operation

    async def abort(self, operation_id: int, actor: Actor) -> BulkOperation:
        """Ends an operation after its current batch. Raises NOT_FOUND, or WRONG_STATE if it is done or has failed."""
        operation = await self._store.abort(operation_id, actor) or await self.get(operation_id)
        if operation.state in (BulkState.DONE, BulkState.FAILED):
            ended = "is done" if operation.state is BulkState.DONE else "has failed"
            raise WarmcastError(errors.WRONG_STATE, f"bulk operation {operation_id} {ended}")
        return operation

    async def run(self) -> None:
        """Runs the operations of all replicas, one batch at a time, until cancelled."""
        while True:
            self._woken.clear()
            pause = await self._pass()
            beat()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def _pass(self) -> float:
        """Runs one batch if there is one; returns how many seconds to wait."""
        try:
            if time.monotonic() - self._expired_at > _EXPIRE_EVERY:
                await self._store.delete_expired()
                self._expired_at = time.monotonic()
            batch = await self._store.run_batch()
            self._reachable = True
        except BatchFailedError as failed:
            self._reachable = True
            report_failure()
            if failed.operation.state is BulkState.FAILED:
                log.error("bulk operation failed", operation_id=failed.operation.id, error=failed.operation.error)
            return _PAUSE_SECONDS  # until its next attempt, others run
        except WarmcastError as error:
            if self._reachable:
                log.warning("bulk operations wait: PostgreSQL is unavailable", reason=error.reason.name)
            self._reachable = False
            return _RETRY_SECONDS
        except Exception:
            report_failure()
            return _RETRY_SECONDS
        if batch is None:
            return self._poll
        if batch.waits:
            return self._wait
        operation = batch.operation
        if operation.action is not BulkAction.CANCEL:
            count_enqueued(EnqueueReason.BY_HAND, batch.changed)
        if operation.state is BulkState.DONE:
            log.info("bulk operation done", operation_id=operation.id, done=operation.done, skipped=operation.skipped)
        return _PAUSE_SECONDS


def _too_many(what: str) -> WarmcastError:
    return WarmcastError(errors.TOO_LARGE, f"more than {MAX_MATCHED:,} {what} match; narrow the filter")
