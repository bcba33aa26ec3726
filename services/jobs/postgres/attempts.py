"""The history of attempts in PostgreSQL; the statements of the queue write it."""

from __future__ import annotations

from psycopg.rows import DictRow

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.domain.reports.history import Attempt, Outcome
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.sql import attempts

_AFTER_ALL = 2**63 - 1  # lease ids


class Attempts:
    """Reads the history. Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_job(self, job_id: int, *, limit: int, before: int | None = None) -> list[Attempt]:
        """The job's attempts that have ended, newest first; with `before`, those with lower lease ids.

        Raises WarmcastError(NOT_FOUND) for an unknown job without attempts.
        """
        parameters = {"job_id": job_id, "before": _AFTER_ALL if before is None else before, "limit": limit}
        rows = await self._database.fetch(attempts.LIST, parameters)
        if not rows and not await self._database.fetch(attempts.FIND_JOB, {"job_id": job_id}):
            raise WarmcastError(errors.NOT_FOUND, f"there is no job {job_id}")
        return [_to_attempt(row) for row in rows]


def _to_attempt(row: DictRow) -> Attempt:
    trace_id = row["trace_id"]
    named = row | {"outcome": Outcome(row["outcome"]), "trace_id": trace_id.hex if trace_id else ""}
    return Attempt(**named)
