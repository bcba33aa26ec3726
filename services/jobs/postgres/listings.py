"""Pages of jobs, and counts. Keyset paging, so that every page costs the same."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Tuple, func, literal, select, true, tuple_

from services.common.comparison import ComparisonKey
from services.common.job_status import JobStatus
from services.jobs.domain.job import JobChange, QueuePolicy, WarmupJob
from services.jobs.domain.queue import COUNT_CAP, DatabaseState, JobCursor, JobFilter, JobPage, QueueDepth, QueueStatus
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
_COMPARISON_KEY = ("slug", "timeframe", "geo")


class Listings:
    """Listings, and the position of the audit. Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database, policy: QueuePolicy) -> None:
        self._database = database
        self._recent = timedelta(days=policy.requested_within_days)

    async def jobs(
        self,
        wanted: JobFilter,
        *,
        limit: int,
        before: JobCursor | None = None,
        down_to: JobCursor | None = None,
        oldest_first: bool = False,
    ) -> list[WarmupJob]:
        """Jobs that pass the filter, created before `before` and not before `down_to`; newest first by default."""
        jobs = job_filter.source(wanted)
        query = select(*_columns(jobs)).where(*job_filter.conditions(wanted, jobs)).limit(written(limit))
        if down_to is not None:
            query = query.where(_place_of(jobs) >= _value(down_to))
        query = _in_order(query, jobs, before=before, oldest_first=oldest_first)
        return [to_job(row) for row in await self._database.select(query)]

    async def page(self, wanted: JobFilter, *, limit: int, before: JobCursor | None = None) -> JobPage:
        """One page of `jobs`, newest first. A limited number of jobs is examined for it.

        If few of those match, it is short or empty although more may follow.
        """
        down_to = await self._examined_down_to(wanted, before)
        rows = await self.jobs(wanted, limit=limit + 1, before=before, down_to=down_to)
        return JobPage(rows[:limit], _place(rows[limit - 1]) if len(rows) > limit else down_to)

    async def _examined_down_to(self, wanted: JobFilter, before: JobCursor | None) -> JobCursor | None:
        """The last job that a page examines; None: the oldest."""
        distance = job_filter.milestones(wanted)
        if distance is None:
            return None
        # Two entries of a small index: to count all jobs would read as many pages as to examine them.
        milestones = (
            select(warmup_jobs.c.created_at, warmup_jobs.c.id)
            .where(func.mod(warmup_jobs.c.id, written(distance)) == written(0), *job_filter.of_age(wanted, warmup_jobs))
            .offset(written(1))
            .limit(written(1))
        )
        rows = await self._database.select(_in_order(milestones, warmup_jobs, before=before))
        return (rows[0]["created_at"], rows[0]["id"]) if rows else None

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

    async def database(self) -> DatabaseState:
        """How PostgreSQL answers. A standby, or a primary that was demoted, answers reads, and refuses writes.

        A read does not fail there, and only failures replace connections. Therefore a read-only answer replaces them,
        or the state would stay read-only where nothing is written.
        """
        began = time.perf_counter()
        (row,) = await self._database.fetch("SELECT current_setting('transaction_read_only') = 'on' AS read_only")
        seconds = time.perf_counter() - began
        if row["read_only"]:
            await self._database.reconnect()
        return DatabaseState(seconds, read_only=row["read_only"])


def _in_order(
    query: Select[Any], jobs: FromClause, *, before: JobCursor | None = None, oldest_first: bool = False
) -> Select[Any]:
    if before is not None:
        query = query.where(_place_of(jobs) < _value(before))
    place = (jobs.c.created_at, jobs.c.id)
    return query.order_by(*(place if oldest_first else (column.desc() for column in place)))


def _place(job: WarmupJob) -> JobCursor:
    return job.created_at, job.id


def _place_of(jobs: FromClause) -> Tuple:
    return tuple_(jobs.c.created_at, jobs.c.id)


def _value(place: JobCursor) -> Tuple:
    at, job_id = place
    return tuple_(at, literal(job_id, BigInteger))


def _columns(jobs: FromClause) -> list[ColumnElement[Any]]:
    return [jobs.c[name] for name in COLUMNS.split(", ")]
