"""The processes that hold leases."""

from __future__ import annotations

from itertools import groupby

from psycopg.rows import DictRow

from services.common.comparison import ComparisonKey
from services.jobs.domain.queue import COUNT_CAP
from services.jobs.domain.reports.holders import MAX_HELD_JOBS, MAX_HOLDERS, HeldJob, Holder
from services.jobs.postgres.driver.database import Database

_HOLDERS = f"""
WITH running AS MATERIALIZED (
    SELECT id, slug, timeframe, geo, COALESCE(holder, '') AS holder, lease_id, attempts, started_at, lease_expires_at
    FROM warmup_jobs WHERE status = 'running' ORDER BY lease_expires_at LIMIT {COUNT_CAP}
),
ranked AS (
    SELECT *, row_number() OVER of_holder AS place, count(*) OVER (PARTITION BY holder) AS running,
           min(started_at) OVER (PARTITION BY holder) AS oldest_claimed_at
    FROM running WINDOW of_holder AS (PARTITION BY holder ORDER BY lease_expires_at NULLS FIRST, id)
),
-- Most runs first; then by name, so that a process keeps its place.
placed AS (SELECT *, dense_rank() OVER (ORDER BY running DESC, holder) AS holder_place FROM ranked)
SELECT holder, running, oldest_claimed_at, id, slug, timeframe, geo, lease_id, attempts, started_at,
       COALESCE(EXTRACT(epoch FROM lease_expires_at - now()), 0)::float8 AS lease_seconds
FROM placed WHERE holder_place <= {MAX_HOLDERS} AND place <= {MAX_HELD_JOBS}
ORDER BY holder_place, place
"""


class Holders:
    """Holders of leases in PostgreSQL. Raises WarmcastError(UNAVAILABLE) when that is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def holders(self) -> list[Holder]:
        """Processes that hold leases, most runs first, each with the runs whose lease ends first."""
        rows = await self._database.fetch(_HOLDERS)
        return [_holder(name, list(runs)) for name, runs in groupby(rows, lambda row: str(row["holder"]))]


def _holder(name: str, rows: list[DictRow]) -> Holder:
    jobs = tuple(
        HeldJob(
            job_id=row["id"],
            key=ComparisonKey(row["slug"], row["timeframe"], row["geo"]),
            lease_id=row["lease_id"],
            attempt=row["attempts"],
            claimed_at=row["started_at"],
            lease_seconds=row["lease_seconds"],
        )
        for row in rows
    )
    return Holder(name, rows[0]["running"], rows[0]["oldest_claimed_at"], jobs)
