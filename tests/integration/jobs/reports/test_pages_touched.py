"""Each report reads few pages of a long history: a list of comparisons at most 60 for its page of keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from benchmarks.console.pages import EXPLAIN_ALL, MOST, ROWS
from benchmarks.console.rows import fill
from services.jobs.domain.job import QueuePolicy
from services.jobs.domain.reports.coverage import CoverageCursor, CoverageFilter
from services.jobs.domain.reports.statistics import WINDOWS
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.reports import coverage as coverage_module
from services.jobs.postgres.reports.coverage import Coverage
from services.jobs.postgres.reports.holders import _HOLDERS
from services.jobs.postgres.reports.rollup import Rollup
from services.jobs.postgres.reports.statistics import AttemptStatistics
from services.jobs.postgres.search import Search
from tests.integration.jobs.queue.test_scale import pages_touched

A_ROW = 16  # pages: the comparison, its snapshot, its job and its terms, each by an index
JOBS, ATTEMPTS = 20_000, 60_000
Statement = tuple[str, dict[str, Any]]


async def _coverage(wanted: CoverageFilter, after: CoverageCursor | None = None) -> tuple[Statement, Statement]:
    """The statement of a page, and that of its keys alone."""
    search = Search(Database("postgresql://nowhere", pool_size=2))
    search.trigrams = False
    query = await Coverage(search._database, QueuePolicy(), search, str)._query(wanted, after, scanned=ROWS + 1)
    page = coverage_module._page(query, ROWS + 1)
    return (page, dict(query.parameters)), (query.candidates, dict(query.parameters))


@pytest.mark.slow
async def test_lists_touch_few_pages(database_url: str) -> None:
    pages = {
        "first page": await _coverage(CoverageFilter()),
        "a later page": await _coverage(CoverageFilter(), CoverageCursor(3000.0, 1000)),
        "of those without requests": await _coverage(CoverageFilter(), CoverageCursor(0.0, 1000)),
        "requested": await _coverage(CoverageFilter(requested=True)),
    }
    keys = {name: of for name, (_, of) in pages.items()} | {"holders": (_HOLDERS, {})}
    fill(database_url, jobs=JOBS, attempts=ATTEMPTS)
    with psycopg.connect(database_url, autocommit=True, row_factory=tuple_row) as connection:
        connection.execute(EXPLAIN_ALL)
        of_keys = {name: pages_touched(connection, *of) for name, of in keys.items()}
        of_pages = {name: pages_touched(connection, *of) for name, (of, _) in pages.items()}
    assert {name: count for name, count in of_keys.items() if count > MOST} == {}
    assert {name: count for name, count in of_pages.items() if count > A_ROW * (ROWS + 1)} == {}


@pytest.mark.slow
async def test_statistics_of_days_read_no_attempts(database_url: str) -> None:
    fill(database_url, jobs=JOBS, attempts=ATTEMPTS)
    database = Database(database_url, pool_size=2, wait=10)
    await database.open()
    assert not await Rollup(database).advance(most=timedelta(days=8), pause=0)
    await database.fetch("DELETE FROM warmup_attempts")
    for hours in (6, 24, 168):
        found = await AttemptStatistics(database).of(WINDOWS[hours])
        expected = ATTEMPTS * hours / 168
        assert sum(count for _, _, count in found.outcomes) == pytest.approx(expected, rel=0.05)
        assert found.wait.count == sum(count for _, _, count in found.outcomes)
    await database.close()
