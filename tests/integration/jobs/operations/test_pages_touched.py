"""Each list touches at most 60 pages for a page of rows, and a batch only the rows that it changes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from benchmarks.console.pages import EXPLAIN_ALL, MOST
from services.jobs.domain.operations import Actor, Record, Schedule
from services.jobs.postgres.operations.actions import recording
from services.jobs.postgres.sql import actions, attempts, bulk
from tests.integration.jobs.queue.test_scale import LEFT_ALONE, pages_touched

PARAMETERS: dict[str, Any] = {
    "limit": 50,
    "before": 2**62,
    "schedule": "sweep",
    "schedules": [schedule.value for schedule in Schedule],
    "days": 90,
    "id": 900,
    "operation": 1,
    "holder": "test",
    "batch": 500,
    "max_waiting": 1000,
    "unmeasured": 100,
    "slots": 4,
    "lease": 10,
    "changed": 500,
    "snapshots": [],
    "versions": [],
} | recording(Record(Actor("Ada"), {}))
LISTS = {
    "attempts": attempts.LIST.replace("%(job_id)s", "500"),
    "attempts of a later page": attempts.LIST.replace("%(job_id)s", "500").replace("%(before)s", "200"),
    "actions": actions.LIST_ACTIONS,
    "actions of a later page": actions.LIST_ACTIONS.replace("%(before)s", "50000"),
    "runs of one schedule": actions.LIST_RUNS,
    "last runs": actions.LAST_RUNS,
    "one operation": bulk.GET,
    "expired operations": bulk.DELETE_EXPIRED,
    "the next batch": bulk.TAKE,
    "progress": bulk.ADVANCE,
    "the end": bulk.FINISH,
    "confirmation": bulk.CONFIRM,
    "abort": bulk.ABORT,
    **{f"retention {number}": statement for number, statement in enumerate(actions.DELETE_OLD)},
}
FILL = (
    """
    INSERT INTO warmup_attempts (job_id, lease_id, attempt, reason, claimed_at, ended_at, outcome, debug_id)
    SELECT CASE WHEN n <= 300 THEN 500 ELSE n END, n, 1, 'refresh', now(), now(), 'ready', 'debug'
    FROM generate_series(1, 100000) AS n ORDER BY n * 7919 % 100000
    """,
    # Without the snapshots that they refer to.
    """
    SET session_replication_role = replica;
    INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, status, created_at, last_error, error_reason)
    SELECT 'slug' || n, '12m', '', 'hash', 'failed', now() - make_interval(secs => n), 'text',
           CASE WHEN n % 20000 = 0 THEN 'rare' ELSE 'unavailable' END
    FROM generate_series(1, 100000) AS n ORDER BY n * 7919 % 100000;
    SET session_replication_role = origin
    """,
    """
    INSERT INTO operator_actions (at, operator, action, target, reason, count, request_id)
    SELECT now() - make_interval(mins => 100000 - n), 'Ada', 'requeue', '{"jobId": 7}', repeat('why ', 20), 1, 'request'
    FROM generate_series(1, 100000) AS n
    """,
    """
    INSERT INTO schedule_runs (schedule, started_at, ended_at, succeeded, count, detail)
    SELECT CASE WHEN n % 1000 = 1 THEN 'retention' WHEN n % 15 = 1 THEN 'refresh' ELSE 'sweep' END, now(),
           now() - make_interval(mins => 100000 - n), true, 1, ''
    FROM generate_series(1, 100000) AS n
    """,
    """
    INSERT INTO bulk_operations (action, filter, state, ids, versions, matched, operator, ended_at)
    SELECT 'requeue', '{}', CASE n WHEN 1 THEN 'running' WHEN 900 THEN 'prepared' ELSE 'done' END,
           CASE n WHEN 1 THEN ARRAY(SELECT generate_series(1, 100000)) ELSE '{}' END,
           CASE n WHEN 1 THEN array_fill(1, ARRAY[100000]) ELSE '{}' END, 100000, 'Ada', now()
    FROM generate_series(1, 1000) AS n
    """,
)


@pytest.mark.slow
@pytest.mark.parametrize("planned", ["on what is there", "on empty tables"])
async def test_lists_touch_few_pages(database_url: str, planned: str) -> None:
    statements = {name: (statement, PARAMETERS) for name, statement in LISTS.items()}
    with psycopg.connect(database_url, autocommit=True, row_factory=tuple_row) as connection:
        connection.execute(EXPLAIN_ALL)
        connection.execute(LEFT_ALONE)
        if planned == "on empty tables":
            for each in statements.values():
                pages_touched(connection, *each)
        for statement in FILL:
            connection.execute(statement)
        if planned == "on what is there":
            connection.execute("VACUUM ANALYZE")
        touched = {name: pages_touched(connection, *each) for name, each in statements.items()}
    assert {name: pages for name, pages in touched.items() if pages > MOST} == {}
