"""The cost of a sweep depends on the jobs that it re-queues, not on the number of other jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import psycopg
import pytest

from benchmarks.console.pages import EXPLAIN_ALL
from services.jobs.domain.job import QueuePolicy
from services.jobs.postgres.sql import rescue
from tests.integration.jobs.queue.test_scale import LEFT_ALONE, pages_touched

ROWS = 200_000
OVERDUE = 777
MOST_PAGES = 100
FILL = f"""
ALTER TABLE warmup_jobs DROP CONSTRAINT warmup_jobs_slug_timeframe_geo_data_hash_fkey;
INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash) SELECT n, '12m', '', '' FROM generate_series(1, {ROWS}) AS n;
"""
HOUR_AGO = "now() - interval '1 h'"
# The state of all other jobs, and that of the one that the sweep finds.
REST = {
    "young": "SELECT",
    "held back after an attempt": f"UPDATE warmup_jobs SET queued_at = {HOUR_AGO}, not_before = now() + interval '1 h'",
    "overdue": f"UPDATE warmup_jobs SET queued_at = {HOUR_AGO}, updated_at = {HOUR_AGO}",
    "refreshes": "UPDATE warmup_jobs SET priority = 10",
}
THE_ONE = f"""
UPDATE warmup_jobs SET queued_at = {HOUR_AGO}, updated_at = {HOUR_AGO}, not_before = NULL WHERE id = {OVERDUE}
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(LEFT_ALONE)
        connection.execute(FILL)
        yield connection


@pytest.mark.slow
def test_a_sweep_of_one_overdue_job_among_200_000_touches_no_more_than_100_pages(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> None:
    touched: dict[str, int] = {}
    parameters = asdict(QueuePolicy()) | {"id": OVERDUE}
    for name, change in REST.items():
        for statement in ("UPDATE warmup_jobs SET queued_at = now(), not_before = NULL, priority = 0", change, THE_ONE):
            connection.execute(statement)
        connection.execute("VACUUM ANALYZE warmup_jobs")
        connection.execute(EXPLAIN_ALL)
        touched[f"{name}: one"] = pages_touched(connection, rescue.SWEEP_ONE, parameters)
        if name != "overdue":  # a sweep re-queues all of them, a thousand at a time
            touched[f"{name}: all"] = pages_touched(connection, rescue.SWEEP, parameters)
        connection.execute("SET auto_explain.log_min_duration = -1")
    assert {name: pages for name, pages in touched.items() if pages > MOST_PAGES} == {}
