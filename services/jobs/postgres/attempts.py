"""The history of attempts in PostgreSQL; the statements of the queue write it."""

from __future__ import annotations

from psycopg.rows import DictRow

from services.jobs.domain.history import Attempt, Outcome
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.sql import attempts

_MAX_LEASE = 2**63 - 1


class Attempts:
    """Reads the history. Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_job(self, job_id: int, *, limit: int, before: int = _MAX_LEASE) -> list[Attempt]:
        """The job's attempts that have ended with lease ids below `before`, newest first."""
        parameters = {"job_id": job_id, "before": before, "limit": limit}
        return [_to_attempt(row) for row in await self._database.fetch(attempts.LIST, parameters)]


def _to_attempt(row: DictRow) -> Attempt:
    trace_id = row["trace_id"]
    named = row | {"outcome": Outcome(row["outcome"]), "trace_id": trace_id.hex if trace_id else ""}
    return Attempt(**named)
