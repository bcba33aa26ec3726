"""Records the runs of what schedules call, whether they succeed or fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

import structlog

from services.common.errors import WarmcastError
from services.jobs.domain.operations import Outcome, Schedule

log = structlog.get_logger()

_RECORD_SECONDS = 2.0  # for writing the record, which the caller waits for
_MAX_DETAIL = 500  # characters
Result = TypeVar("Result")


class RunLog(Protocol):
    """Where runs are recorded; see postgres.operations.actions.ActionLog."""

    async def record_run(self, schedule: Schedule, outcome: Outcome, *, seconds: float) -> None: ...


class Schedules:
    """Runs and records. A record that cannot be written is logged and dropped."""

    def __init__(self, runs: RunLog) -> None:
        self._runs = runs
        self._detached: set[asyncio.Task[Any]] = set()

    async def run(self, schedule: Schedule, work: Awaitable[Result], outcome: Callable[[Result], Outcome]) -> Result:
        """The result of `work`; `outcome` says what of it is recorded."""
        began = time.monotonic()
        try:
            result = await work
        except BaseException as error:
            await self._record(schedule, Outcome(0, _detail(error), succeeded=False), began)
            raise
        await self._record(schedule, outcome(result), began)
        return result

    async def run_detached(
        self, schedule: Schedule, work: Coroutine[Any, Any, Result], outcome: Callable[[Result], Outcome]
    ) -> Result:
        """The same for `work` that continues when its caller has disconnected."""
        task = asyncio.create_task(self.run(schedule, work, outcome))
        self._detached.add(task)
        task.add_done_callback(self._detached.discard)
        return await asyncio.shield(task)

    async def _record(self, schedule: Schedule, outcome: Outcome, began: float) -> None:
        seconds = time.monotonic() - began
        try:
            async with asyncio.timeout(_RECORD_SECONDS):
                await self._runs.record_run(schedule, outcome, seconds=seconds)
        except (WarmcastError, TimeoutError):
            log.warning("could not record the run of a schedule", schedule=schedule.value)
        except Exception:
            log.exception("could not record the run of a schedule", schedule=schedule.value)


def _detail(error: BaseException) -> str:
    if isinstance(error, WarmcastError):
        return f"{error.reason.slug}: {error.detail}"[:_MAX_DETAIL]
    if isinstance(error, asyncio.CancelledError):
        return "the call ended before its work"
    return "internal error; the log has it"
