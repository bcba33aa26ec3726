"""What the overview fetches. Each call may fail alone; the others are shown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.errors import WarmcastError
from services.gateway.pages.operations.frame.clients import Clients

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Facts:
    """The answers of jobs; None where a call failed."""

    status: jobs_pb2.GetStatusResponse | None
    statistics: operations_pb2.GetStatisticsResponse | None
    holders: operations_pb2.ListHoldersResponse | None
    schedules: operations_pb2.ListScheduleRunsResponse | None
    errors: tuple[WarmcastError, ...]  # of the calls that failed


async def fetch(clients: Clients, window_hours: int) -> Facts:
    """Calls at once."""
    operations, failed = clients.operations, list[WarmcastError]()

    async def kept(call: Awaitable[Answer]) -> Answer | None:
        try:
            return await call
        except WarmcastError as error:
            failed.append(error)
            return None

    status, statistics, holders, schedules = await asyncio.gather(
        kept(clients.jobs.status()),
        kept(operations.statistics(window_hours)),
        kept(operations.list_holders()),
        kept(operations.list_schedule_runs()),
    )
    return Facts(status, statistics, holders, schedules, tuple(failed))
