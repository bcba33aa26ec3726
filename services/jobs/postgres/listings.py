"""Pages of jobs, and counts. Keyset paging, so that every page costs the same."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, func, literal, select, true, tuple_

from services.common.comparison import ComparisonKey
from services.common.job_status import JobStatus
from services.jobs.domain.job import JobChange, QueuePolicy, WarmupJob
from services.jobs.domain.queue import COUNT_CAP, JobCursor, JobFilter, JobPage, QueueDepth, QueueStatus
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.rows import to_job
from services.jobs.postgres.sql import job_filter
from services.jobs.postgres.sql.edges import COLUMNS
from services.jobs.postgres.sql.job_filter import written
from services.jobs.postgres.sql.schema import comparisons, snapshots, term_pairs, warmup_jobs
from services.jobs.postgres.sql.upkeep import DEPTH, STATUS

_CHANGED = """
SELECT id, slug, timeframe, geo, data_hash, status, version FROM warmup_jobs WHERE id = ANY(%(ids)s::bigint[])
"""
_AUDIT_POSITION = "SELECT after_id FROM audit_position"
_SAVE_AUDIT_POSITION = """
INSERT INTO audit_position (singleton, after_id) VALUES (true, %(after_id)s)
ON CONFLICT (singleton) DO UPDATE SET after_id = EXCLUDED.after_id, updated_at = now()
"""
MAX_EXAMINED = 10_000  # for one page
_COMPARISON_KEY = ("slug", "timeframe", "geo")


class Listings:
    """Listings, and the position of the audit. Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database, policy: QueuePolicy) -> None:
        self._database = database
        self._recent = timedelta(days=policy.requested_within_days)

    async def jobs(
        self, wanted: JobFilter, *, limit: int, before: JobCursor | None = None, oldest_first: bool = False
    ) -> list[WarmupJob]:
        """Jobs that pass the filter and were created before `before`, newest first by default."""
        jobs = job_filter.source(wanted)
        query = select(*_columns(jobs)).where(*job_filter.conditions(wanted, jobs)).limit(written(limit))
        query = _in_order(query, jobs, before=before, oldest_first=oldest_first)
        return [to_job(row) for row in await self._database.select(query)]

    async def page(self, wanted: JobFilter, *, limit: int, before: JobCursor | None = None) -> JobPage:
        """One page of `jobs`, newest first; at most MAX_EXAMINED jobs are examined for it.

        If few of those match, it is short or empty although more may follow.
        """
        if wanted.slug is not None or not job_filter.examined(wanted, warmup_jobs):
            rows = await self.jobs(wanted, limit=limit + 1, before=before)
            return JobPage(rows[:limit], _place(rows[limit - 1]) if len(rows) > limit else None)
        found = job_filter.found_by_index(wanted, warmup_jobs)
        first = _in_order(select(*_columns(warmup_jobs)).where(*found), warmup_jobs, before=before)
        candidates = first.limit(written(MAX_EXAMINED)).subquery("candidates")
        matching = job_filter.examined(wanted, candidates)
        query = select(*_columns(candidates)).where(*matching).limit(written(limit + 1))
        rows = [to_job(row) for row in await self._database.select(_in_order(query, candidates))]
        if len(rows) > limit:
            return JobPage(rows[:limit], _place(rows[limit - 1]))
        last: Select[Any] = select(warmup_jobs.c.created_at, warmup_jobs.c.id).where(*found)
        last = _in_order(last, warmup_jobs, before=before).offset(written(MAX_EXAMINED - 1)).limit(written(1))
        examined = await self._database.select(last)
        return JobPage(rows, (examined[0]["created_at"], examined[0]["id"]) if examined else None)

    async def changed(self, ids: Sequence[int]) -> list[JobChange]:
        """The current state of the jobs with these ids, without deleted ones."""
        rows = await self._database.fetch(_CHANGED, {"ids": list(ids)})
        return [
            JobChange(
                row["id"],
                ComparisonKey(row["slug"], row["timeframe"], row["geo"]),
                row["data_hash"],
                JobStatus(row["status"]),
                row["version"],
            )
            for row in rows
        ]

    async def audit_position(self) -> int:
        """The id of the last audited job; 0 before the first audit."""
        rows = await self._database.fetch(_AUDIT_POSITION)
        return int(rows[0]["after_id"]) if rows else 0

    async def save_audit_position(self, after_id: int) -> None:
        """Stores the id after which the next audit starts."""
        await self._database.fetch(_SAVE_AUDIT_POSITION, {"after_id": after_id})

    async def audit_page(
        self, *, limit: int, after_id: int, up_to_id: int | None = None
    ) -> list[tuple[WarmupJob, tuple[str, str]]]:
        """Ready jobs of current snapshots with recent demand, by id, with their terms."""
        # A job has one comparison. LIMIT makes the planner look it up for each job; a join reads whole tables.
        in_demand = (
            select(term_pairs.c.term_a, term_pairs.c.term_b)
            .select_from(comparisons)
            .join(snapshots, snapshots.c.id == comparisons.c.current_snapshot_id)
            .join(term_pairs, term_pairs.c.slug == comparisons.c.slug)
            .where(
                *(
                    table.c[part] == warmup_jobs.c[part]
                    for table in (comparisons, snapshots)
                    for part in _COMPARISON_KEY
                ),
                comparisons.c.last_requested_at > func.now() - self._recent,
                snapshots.c.data_hash == warmup_jobs.c.data_hash,
            )
            .limit(written(1))
            .lateral("in_demand")
        )
        query = (
            select(*_columns(warmup_jobs), in_demand.c.term_a, in_demand.c.term_b)
            .join(in_demand, true())
            .where(warmup_jobs.c.id > after_id)
            # `|| ''` keeps the planner from the index on status, which returns all ready rows.
            .where(warmup_jobs.c.status.concat(written("")) == written(JobStatus.READY.value))
            .order_by(warmup_jobs.c.id)
            .limit(written(limit))
        )
        if up_to_id is not None:
            query = query.where(warmup_jobs.c.id <= up_to_id)
        return [(to_job(row), (row["term_a"], row["term_b"])) for row in await self._database.select(query)]

    async def status(self) -> QueueStatus:
        """Counts and ages, each up to COUNT_CAP rows."""
        rows = {JobStatus(row["status"]): row for row in await self._database.fetch(STATUS, {"cap": COUNT_CAP})}
        return QueueStatus(
            counts={status: row["count"] for status, row in rows.items()},
            oldest_queued_seconds=rows[JobStatus.QUEUED]["age"] or 0.0,
            oldest_running_seconds=rows[JobStatus.RUNNING]["age"] or 0.0,
        )

    async def depth(self) -> QueueDepth:
        """The depth of the queue and its age, each up to COUNT_CAP rows."""
        (row,) = await self._database.fetch(DEPTH, {"cap": COUNT_CAP})
        return QueueDepth(**row)

    async def round_trip(self) -> float:
        """The duration of a statement that reads no table, in seconds, with the wait for a connection."""
        began = time.perf_counter()
        await self._database.fetch("SELECT 1 AS one")
        return time.perf_counter() - began


def _in_order(
    query: Select[Any], jobs: FromClause, *, before: JobCursor | None = None, oldest_first: bool = False
) -> Select[Any]:
    place = (jobs.c.created_at, jobs.c.id)
    if before is not None:
        at, job_id = before
        query = query.where(tuple_(*place) < tuple_(at, literal(job_id, BigInteger)))
    return query.order_by(*(place if oldest_first else (column.desc() for column in place)))


def _place(job: WarmupJob) -> JobCursor:
    return job.created_at, job.id


def _columns(jobs: FromClause) -> list[ColumnElement[Any]]:
    return [jobs.c[name] for name in COLUMNS.split(", ")]
