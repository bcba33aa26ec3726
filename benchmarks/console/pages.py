"""Counts the pages of tables and indexes that a page of each of the console's lists touches."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from services.common.job_status import JobStatus
from services.jobs.domain.comparison import ComparisonSearch
from services.jobs.domain.job import QueuePolicy
from services.jobs.domain.operations import Schedule
from services.jobs.domain.queue import JobCursor, JobFilter
from services.jobs.domain.reports.coverage import CoverageFilter
from services.jobs.postgres.attempts import Attempts
from services.jobs.postgres.driver.connection import PLANNING
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.listings import Listings
from services.jobs.postgres.operations.actions import ActionLog
from services.jobs.postgres.reports.coverage import Coverage
from services.jobs.postgres.reports.holders import Holders
from services.jobs.postgres.search import Search

MOST = 60
ROWS = 50  # of a page, as by default
EXPLAIN_ALL = f"""
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_analyze = on;
SET auto_explain.log_buffers = on;
SET auto_explain.log_format = json;
SET auto_explain.log_level = notice;
{PLANNING}
"""
# Each with a value that most jobs have, and one that a fifth has; see rows.py.
_CHECKED = {
    "timeframe": JobFilter(timeframe="5y"),
    "rarer timeframe": JobFilter(timeframe="3m"),
    "worldwide": JobFilter(geo=""),
    "geo": JobFilter(geo="US"),
    "rarer geo": JobFilter(geo="DE"),
    "reason": JobFilter(reason="refresh"),
    "rarer reason": JobFilter(reason="first-call"),
}
# The index of all jobs has no engine version, so that each examined job is read.
_ENGINE_VERSION = {
    "engine version": JobFilter(engine_version="9"),
    "rarer engine version": JobFilter(engine_version="8"),
}
UNHELD: Mapping[str, JobFilter] = {**_ENGINE_VERSION, "engine version that none has": JobFilter(engine_version="1")}
_ERROR = JobFilter(error_reason="unwarmable")
JOBS: Mapping[str, JobFilter] = {
    "all": JobFilter(),
    "older than 30 days": JobFilter(older_than=timedelta(days=30)),
    "newer than 30 days": JobFilter(newer_than=timedelta(days=30)),
    "slug": JobFilter(slug="market-vs-shop-77"),
    "error": _ERROR,
    "error that none has": JobFilter(error_reason="busy"),
    **{status.value: JobFilter(status=status) for status in JobStatus},
    **_CHECKED,
}
COMBINED: Mapping[str, JobFilter] = {
    **{
        f"{status.value}, {name}": replace(checked, status=status)
        for status in JobStatus
        for name, checked in {**_CHECKED, **({} if status is JobStatus.READY else _ENGINE_VERSION)}.items()
    },
    **{
        f"error, {name}": replace(checked, error_reason="unwarmable")
        for name, checked in {**_CHECKED, **_ENGINE_VERSION}.items()
    },
    "error, failed": replace(_ERROR, status=JobStatus.FAILED),
    "timeframe, geo": JobFilter(timeframe="5y", geo="US"),
    "timeframe, older than 30 days": JobFilter(timeframe="5y", older_than=timedelta(days=30)),
}
# Few jobs have these, or none: such a page examines as many as it may.
RARE: Mapping[str, JobFilter] = {
    "rare geo": JobFilter(geo="LI"),
    "rare reason": JobFilter(reason="cache-lost"),
    "failed, rare geo": JobFilter(status=JobStatus.FAILED, geo="LI"),
    "ready, rare reason": JobFilter(status=JobStatus.READY, reason="cache-lost"),
    "error, rare geo": replace(_ERROR, geo="LI"),
    "error, queued": replace(_ERROR, status=JobStatus.QUEUED),
}


@dataclass(frozen=True)
class Touched:
    """What one page of a list touched."""

    name: str
    rows: int
    pages: int


class PageCounter(Database):
    """Runs the stores' statements on one connection, with the plans of the service, and counts pages."""

    @classmethod
    @contextmanager
    def of(cls, url: str) -> Iterator[PageCounter]:
        """Counts on a new connection."""
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            yield cls(connection)

    def __init__(self, connection: psycopg.Connection[DictRow]) -> None:
        self._connection = connection
        self._connection.execute(EXPLAIN_ALL)
        self._connection.add_notice_handler(self._count)
        self._pages = 0

    async def fetch(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        on_unknown_outcome: Callable[[], None] | None = None,
    ) -> list[DictRow]:
        return self._connection.execute(statement, dict(parameters or {}), prepare=True).fetchall()

    async def touched(self, name: str, read: Awaitable[Sequence[Any]]) -> Touched:
        """What `read` touches, which returns the rows of a page."""
        self._pages = 0
        rows = await read
        return Touched(name, len(rows), self._pages)

    def _count(self, notice: psycopg.errors.Diagnostic) -> None:
        _, _, plan = (notice.message_primary or "").partition("plan:\n")
        root = json.loads(plan)["Plan"]
        self._pages += root["Shared Hit Blocks"] + root["Shared Read Blocks"]


async def of_jobs(database: PageCounter, wanted: Mapping[str, JobFilter]) -> AsyncIterator[Touched]:
    """Counts the first page of each filter, and the one after it."""
    listings = Listings(database, QueuePolicy())
    after: JobCursor | None = None

    async def jobs(each: JobFilter) -> Sequence[Any]:
        nonlocal after
        page = await listings.page(each, limit=ROWS, before=after)
        after = page.after
        return page.jobs

    for name, each in wanted.items():
        after = None
        yield await database.touched(name, jobs(each))
        if after is not None:
            yield await database.touched(f"{name}, next page", jobs(each))


async def of_records(database: PageCounter) -> AsyncIterator[Touched]:
    """Counts pages of attempts, actions, runs of schedules and holders of leases."""
    attempts, log = Attempts(database), ActionLog(database)
    yield await database.touched("attempts of a job", attempts.of_job(7, limit=ROWS + 1))
    yield await database.touched("actions", log.actions(limit=ROWS + 1))
    yield await database.touched("actions, a later page", log.actions(limit=ROWS + 1, before=5000))
    yield await database.touched("runs of a schedule", log.runs(Schedule.SWEEP, limit=ROWS))
    yield await database.touched("last run of each schedule", log.last_runs())
    yield await database.touched("holders of leases", Holders(database).holders())


async def of_comparisons(database: PageCounter) -> AsyncIterator[Touched]:
    """Counts pages of comparisons, which join several tables."""
    search = Search(database)
    search.trigrams = False
    coverage = Coverage(database, QueuePolicy(), search, lambda: "9")

    async def covered(wanted: CoverageFilter) -> Sequence[Any]:
        return (await coverage.page(wanted, limit=ROWS, after=None)).comparisons

    for name, wanted in {
        "coverage": CoverageFilter(),
        "coverage, requested": CoverageFilter(requested=True),
        "coverage, geo": CoverageFilter(geo="US"),
        "coverage, cold": CoverageFilter(state="cold"),
        "coverage, failed": CoverageFilter(state="failed"),
    }.items():
        yield await database.touched(name, covered(wanted))
    everything = ComparisonSearch()
    yield await database.touched("comparisons", search.comparisons(everything, limit=ROWS + 1, after=None))
    yield await database.touched("summaries", search.summaries(everything, limit=ROWS + 1, after=None))
