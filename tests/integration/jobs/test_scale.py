"""What each statement touches stays the same from a thousand rows to a hundred thousand.

Pages of memory are counted and not seconds, so that a busy machine decides nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from services.common.comparison import ComparisonKey
from services.jobs.job import QueuePolicy
from services.jobs.store import comparisons, statements, upkeep

SMALL, LARGE = 1_000, 100_000
KEY = ComparisonKey("a-vs-term500", "12m", "")
PARAMETERS: dict[str, Any] = (
    asdict(QueuePolicy())
    | asdict(KEY)
    | {
        "limit": 10,
        "holder": "test",
        "id": None,
        "data_hash": "hash500",
        "seen_version": 1,
        "status": None,
        "reason": "cache-lost",
        "priority": 0,
        "force": False,
        "debug_id": "debug",
        "earliest": 64_800.0,
        "latest": 82_800.0,
        "days": 30,
        "cap": 100,
        "ids": [500],
        "error": "none",
        "permanent": False,
        "lease_id": 1,
        "delay": 0,
    }
)
STATEMENTS = {
    "view": comparisons._VIEW,
    "place": comparisons._PLACE.replace("%(id)s", "500"),
    "enqueue": statements.ENQUEUE,
    "trigger": statements.TRIGGER,
    "claim": statements.CLAIM,
    "rescue": statements.CLAIM.replace("%(limit)s", "0"),
    "heartbeat": statements.HEARTBEAT.replace("%(id)s", "500"),
    "fail": statements.FAIL.replace("%(id)s", "500"),
    "sweep": statements.SWEEP,
    "requeue": statements.REQUEUE,
    "promote": upkeep.PROMOTE,
    "status": upkeep.STATUS,
    "first page": "SELECT id FROM warmup_jobs ORDER BY created_at DESC, id DESC LIMIT 50",
    "a later page": "SELECT id FROM warmup_jobs WHERE (created_at, id) < (now() - interval '500 s', 500) "
    "ORDER BY created_at DESC, id DESC LIMIT 50",
    "failed ones": "SELECT id FROM warmup_jobs WHERE status = 'failed' ORDER BY created_at DESC, id DESC LIMIT 50",
    "comparisons": "SELECT id FROM comparisons WHERE (slug, timeframe, geo) > ('a-vs-term3', '12m', '') "
    "ORDER BY slug, timeframe, geo LIMIT 50",
}
FILL = """
INSERT INTO term_pairs SELECT 'a-vs-term' || n, 'a', 'term' || n
FROM generate_series(%(first)s::int, %(last)s::int) AS n;
INSERT INTO snapshots (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period, scaled_apart,
                       gaps_filled, source, as_of, cleaned, signals)
SELECT 'a-vs-term' || n, '12m', '', 'hash' || n, '{}', '{}', '{}', false, false, false, 'test', now(), '{}', '[]'
FROM generate_series(%(first)s::int, %(last)s::int) AS n;
INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id, last_asked_at)
SELECT slug, timeframe, geo, id, now() FROM snapshots WHERE id BETWEEN %(first)s AND %(last)s;
INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, status, queued_at, created_at, started_at, completed_at,
                         lease_expires_at, not_before, priority)
SELECT slug, timeframe, geo, data_hash,
       CASE WHEN id = 500 OR id > %(mixed)s THEN %(most)s WHEN id %% 3 = 1 THEN 'queued'
            WHEN id %% 50 = 2 THEN 'running' WHEN id %% 10 = 3 THEN 'failed' ELSE 'ready' END,
       now() - interval '10 s' + make_interval(secs => id / 1e5), now() - make_interval(secs => id),
       now() - interval '1 min', now(), now() + interval '1 h',
       CASE WHEN id %% 7 = 1 THEN now() + interval '1 h' END, CASE WHEN id %% 5 = 1 THEN 10 ELSE 0 END
FROM snapshots WHERE id BETWEEN %(first)s AND %(last)s;
"""


EXPLAIN_ALL = """
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_analyze = on;
SET auto_explain.log_buffers = on;
SET auto_explain.log_format = json;
SET auto_explain.log_level = notice;
SET plan_cache_mode = force_generic_plan;
"""


def pages_touched(connection: psycopg.Connection[tuple[Any, ...]], statement: str) -> int:
    """How many pages a statement reads or changes, planned as the service plans it; it is rolled back."""
    plans: list[dict[str, Any]] = []

    def note(said: psycopg.errors.Diagnostic) -> None:
        _, _, plan = (said.message_primary or "").partition("plan:\n")
        plans.append(json.loads(plan)["Plan"])

    connection.add_notice_handler(note)
    with connection.transaction(force_rollback=True):
        connection.execute(statement, PARAMETERS, prepare=True)
    connection.remove_notice_handler(note)
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("most", ["ready", "queued"])
def test_a_hundred_times_the_rows_touch_no_more_pages(database_url: str, most: str) -> None:
    """Settled rows pile up with the years, queued ones with an outage: neither makes the queue slower."""
    touched: dict[str, list[int]] = {name: [] for name in STATEMENTS}
    with psycopg.connect(database_url, autocommit=True, row_factory=tuple_row) as connection:
        for first, last in ((1, SMALL), (SMALL + 1, LARGE)):
            for part in FILL.strip().split(";\n"):
                rows = {"first": first, "last": last, "mixed": SMALL, "most": most}
                connection.execute(part.rstrip(";"), rows)
            connection.execute("VACUUM ANALYZE")
            connection.execute(EXPLAIN_ALL)
            for name, statement in STATEMENTS.items():
                touched[name].append(pages_touched(connection, statement))
    # An index of a hundred times the rows is a level deeper; a scan would touch a hundred times the pages.
    grown = {name: pages for name, pages in touched.items() if pages[1] > 3 * pages[0] + 100}
    assert grown == {}, f"pages at {SMALL} and at {LARGE} rows"
