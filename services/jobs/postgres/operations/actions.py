"""What operators and schedules did."""

from __future__ import annotations

import json

from services.jobs.domain.operations import OperatorAction, Outcome, Record, Schedule, ScheduleRun
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.sql import actions


class ActionLog:
    """Actions and runs of schedules. Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def actions(self, *, limit: int, before: int | None = None) -> list[OperatorAction]:
        """Actions with an id below `before`, newest first."""
        parameters = {"limit": limit, "before": 2**63 - 1 if before is None else before}
        return [OperatorAction(**row) for row in await self._database.fetch(actions.LIST_ACTIONS, parameters)]

    async def record_run(self, schedule: Schedule, outcome: Outcome, *, seconds: float) -> None:
        """Records a run that ends now and lasted `seconds`."""
        parameters = {
            "schedule": schedule.value,
            "seconds": seconds,
            "succeeded": outcome.succeeded,
            "count": outcome.count,
            "detail": outcome.detail,
        }
        await self._database.fetch(actions.RECORD_RUN, parameters)

    async def runs(self, schedule: Schedule, *, limit: int) -> list[ScheduleRun]:
        """The last runs of one schedule, newest first."""
        parameters = {"schedule": schedule.value, "limit": limit}
        return [ScheduleRun(**row) for row in await self._database.fetch(actions.LIST_RUNS, parameters)]

    async def last_runs(self) -> list[ScheduleRun]:
        """The last run of each schedule that has run, newest first."""
        rows = await self._database.fetch(actions.LAST_RUNS, {"schedules": [schedule.value for schedule in Schedule]})
        return [ScheduleRun(**row) for row in rows]


def recording(record: Record | None) -> dict[str, object]:
    """The parameters of `sql.actions.recorded`; None: nothing is recorded."""
    if record is None:
        return dict.fromkeys(("operator", "operator_reason", "request_id", "target"))
    actor = record.actor
    return {
        "operator": actor.operator,
        "operator_reason": actor.reason,
        "request_id": actor.request_id,
        "target": json.dumps(record.target),
    }
