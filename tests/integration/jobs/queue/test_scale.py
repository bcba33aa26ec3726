"""Each statement touches as many pages with a hundred thousand rows as with a thousand.

Pages are counted, not seconds, so that the load of the machine does not matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow, tuple_row

from benchmarks.console.pages import EXPLAIN_ALL
from services.common.comparison import ComparisonKey
from services.common.job_status import JobStatus
from services.jobs.domain.comparison import ComparisonSearch
from services.jobs.domain.job import QueuePolicy
from services.jobs.domain.operations import Actor, Record
from services.jobs.domain.queue import JobFilter
from services.jobs.postgres import idempotency_keys, track_record, warmup_views
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.listings import Listings
from services.jobs.postgres.operations.actions import recording
from services.jobs.postgres.queue import _records
from services.jobs.postgres.search import Search
from services.jobs.postgres.sql import attempts, by_hand, claims, edges, rescue, upkeep

SMALL, LARGE = 1_000, 100_000
KEY = ComparisonKey("a-vs-term500", "12m", "")
PARAMETERS: dict[str, Any] = (
    asdict(QueuePolicy())
    | KEY._asdict()
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
        "slugs": [KEY.slug],
        "timeframes": [KEY.timeframe],
        "geos": [KEY.geo],
        "error": "none",
        "error_reason": "none",
        "trace_id": None,
        "trace_seed": "0" * 32,
        "engine_version": "8",
        "before": 2**62,
        "permanent": False,
        "lease_id": 1,
        "delay": 0,
        "first": datetime(2020, 1, 1, tzinfo=UTC),
        "complete": [datetime(year, 1, 1, tzinfo=UTC) for year in range(2020, 2031)],
    }
    | recording(Record(Actor("Ada"), {}))
    | dict.fromkeys(("lease_ids", "adopted", *_records([])), "{}")
)
STATEMENTS = {
    "view": warmup_views.VIEWS,
    "enqueue": edges.ENQUEUE,
    "enqueue and place": edges.ENQUEUE_AND_PLACE,
    "trigger": by_hand.TRIGGER,
    "claim": claims.CLAIM,
    "rescue": rescue.RESCUE,
    "ready": edges.READY,
    "heartbeat": edges.HEARTBEAT.replace("%(id)s", "500"),
    "fail": edges.FAIL.replace("%(id)s", "500"),
    "sweep": rescue.SWEEP,
    "sweep of one": rescue.SWEEP_ONE.replace("%(id)s", "500"),
    "requeue": by_hand.REQUEUE,
    "cancel": by_hand.CANCEL,
    "supersede": edges.SUPERSEDE,
    "claim of one": claims.CLAIM_ONE.replace("%(id)s", "499"),
    "promote": upkeep.PROMOTE,
    "promotion of one": upkeep.PROMOTE_ONE.replace("%(id)s", "496"),
    "status": upkeep.STATUS,
    "delete expired idempotency keys": idempotency_keys.DELETE_EXPIRED,
    "attempts of a job": attempts.LIST.replace("%(job_id)s", "500"),
    "a refused result": attempts.REFUSE.replace("%(id)s", "500").replace("%(lease_id)s", "1000500"),
    "delete old attempts": attempts.DELETE_OLD,
    "due to be scored": track_record._DUE.replace("%(data_hash)s", "'newer'"),
    "track record": track_record._TALLIES,
}
FILL = """
INSERT INTO idempotency_keys (method, key, fingerprint, holder, expires_at)
SELECT 'Sweep', 'key' || n, 'hash', 'holder', now() + (n %% 2 * 2 - 1) * interval '1 h'
FROM generate_series(%(first)s::int, %(last)s::int) AS n;
INSERT INTO term_pairs SELECT 'a-vs-term' || n, 'a', 'term' || n
FROM generate_series(%(first)s::int, %(last)s::int) AS n;
INSERT INTO snapshots (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period, scaled_apart,
                       gaps_filled, source, as_of, cleaned, signals)
SELECT 'a-vs-term' || n, '12m', '', 'hash' || n, '{}', '{}', '{}', false, false, false, 'test', now(), '{}', '[]'
FROM generate_series(%(first)s::int, %(last)s::int) AS n;
INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id, last_requested_at)
SELECT slug, timeframe, geo, id, now() FROM snapshots WHERE id BETWEEN %(first)s AND %(last)s;
INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash, status, queued_at, created_at, started_at, completed_at,
                         lease_expires_at, not_before, priority, last_error, error_reason)
SELECT slug, timeframe, geo, data_hash,
       CASE WHEN id = 500 OR id > %(mixed)s THEN %(most)s WHEN id %% 3 = 1 THEN 'queued'
            WHEN id %% 50 = 2 THEN 'running' WHEN id %% 10 = 3 THEN 'failed' ELSE 'ready' END,
       now() - interval '10 s' + make_interval(secs => id / 1e5), now() - make_interval(secs => id),
       now() - interval '1 min', now(), now() + interval '1 h',
       CASE WHEN id %% 7 = 1 THEN now() + interval '1 h' END, CASE WHEN id %% 5 = 1 THEN 10 ELSE 0 END,
       CASE WHEN id %% 10 = 3 THEN 'busy: no slot' END, CASE WHEN id = 503 THEN 'rare' WHEN id %% 10 = 3 THEN 'busy' END
FROM snapshots WHERE id BETWEEN %(first)s AND %(last)s;
INSERT INTO warmup_attempts (job_id, lease_id, attempt, reason, claimed_at, ended_at, outcome, debug_id)
SELECT job.id, n * 1000000 + job.id, n, 'refresh', now(), now() - make_interval(days => n * 10, secs => job.id),
       CASE n WHEN 4 THEN 'ready' ELSE 'lease-expired' END, job.debug_id
FROM warmup_jobs AS job, generate_series(1, 4) AS n WHERE job.id BETWEEN %(first)s AND %(last)s;
INSERT INTO forecast_records (job_id, lease_id, label, term, engine_version, forecast_hash, direction, generated_at,
                              times, point_values, lower80, upper80, lower95, upper95)
SELECT id, id, label, 'a', '1', '', '', now(), ARRAY['2025-01-01'::timestamptz], '{1}', '{1}', '{1}', '{1}', '{1}'
FROM warmup_jobs, (VALUES ('termA'), ('termB')) AS labels (label) WHERE id BETWEEN %(first)s AND %(last)s;
INSERT INTO forecast_scores (record_a_id, record_b_id, slug, timeframe, geo, data_hash, actual_snapshot_id,
                             actual_data_hash, engine_version, generated_at, dates, direction_right_a,
                             direction_right_b, hits80_a, hits80_b, hits95_a, hits95_b, mae_a, mae_b)
SELECT record.id, record.id + 1, slug, timeframe, geo, data_hash, 1, '', '1', now(), 1, true, true, 1, 1, 1, 1, 0, 0
FROM forecast_records AS record JOIN warmup_jobs AS job ON job.id = job_id
WHERE label = 'termA' AND job_id %% 2 = 1 AND job_id BETWEEN %(first)s AND %(last)s;
"""


class Recorder(Database):
    """Records the compiled queries of Listings."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, dict[str, Any]]] = []

    async def fetch(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        on_unknown_outcome: Callable[[], None] | None = None,
    ) -> list[DictRow]:
        self.statements.append((statement, dict(parameters or {})))
        return []


@pytest.fixture
async def listed() -> dict[str, tuple[str, dict[str, Any]]]:
    """The statements that Listings sends, with their parameters."""
    database = Recorder()
    listings = Listings(database, QueuePolicy())
    before = (datetime.now(UTC) - timedelta(seconds=500), 500)
    await listings.jobs(JobFilter(), limit=50)
    await listings.jobs(JobFilter(), limit=50, before=before)
    await listings.jobs(JobFilter(status=JobStatus.FAILED), limit=50)
    await listings.jobs(JobFilter(status=JobStatus.FAILED), limit=50, oldest_first=True)
    await listings.jobs(JobFilter(slug="a-vs-term500"), limit=50)
    await listings.jobs(JobFilter(newer_than=timedelta(seconds=100)), limit=50)
    await listings.page(JobFilter(error_reason="busy"), limit=50)
    await listings.page(JobFilter(error_reason="rare"), limit=50)
    await listings.page(JobFilter(error_reason="rare", status=JobStatus.FAILED), limit=50)
    await listings.page(JobFilter(error_reason="busy"), limit=50, before=before)
    await listings.page(JobFilter(timeframe="12m"), limit=50)
    search = Search(database)
    await search.comparisons(ComparisonSearch(), limit=20, after=None)
    await search.comparisons(ComparisonSearch(), limit=20, after=("a-vs-term3", "12m", ""))
    await search.summaries(ComparisonSearch(), limit=20, after=None)
    await search.summaries(ComparisonSearch(), limit=20, after=("a-vs-term3", "12m", ""))
    await search.summaries(ComparisonSearch(slug="a-vs-term500"), limit=20, after=None)
    search.trigrams = False
    await search.summaries(ComparisonSearch(query="term1000"), limit=1, after=None)
    await listings.audit_page(limit=50, after_id=0)
    await listings.audit_page(limit=50, after_id=0, up_to_id=500)
    names = (
        "first page",
        "a later page",
        "failed ones",
        "the oldest that failed",
        "of one comparison",
        "the latest",
        "of one kind of error",
        "of a rare kind of error",
        "of a rare kind of error that failed",
        "more of one kind of error",
        "of one timeframe",
        "comparisons",
        "more comparisons",
        "summaries",
        "more summaries",
        "summaries of one slug",
        "found by the second term",
        "audit",
        "the rest of an audit",
    )
    # A page that examines jobs first reads down to which one.
    sent = [each for each in database.statements if "OFFSET" not in each[0]]
    return dict(zip(names, sent, strict=True))


# Between a vacuum and its analyze, PostgreSQL plans from the size of a table alone.
LEFT_ALONE = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = false)', name);
    END LOOP;
END $$
"""


def pages_touched(
    connection: psycopg.Connection[tuple[Any, ...]], statement: str, parameters: Mapping[str, Any] = PARAMETERS
) -> int:
    """The number of pages that a statement reads or changes with the plans of the service; it is rolled back."""
    plans: list[dict[str, Any]] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        _, _, plan = (notice.message_primary or "").partition("plan:\n")
        plans.append(json.loads(plan)["Plan"])

    connection.add_notice_handler(note)
    with connection.transaction(force_rollback=True):
        connection.execute(statement, parameters, prepare=True)
    connection.remove_notice_handler(note)
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans)


@pytest.mark.slow
@pytest.mark.parametrize("most", ["ready", "queued"])
@pytest.mark.parametrize("planned", ["on what is there", "on empty tables"])
def test_a_statement_touches_as_few_pages_with_a_hundred_times_the_rows(
    database_url: str, listed: dict[str, tuple[str, dict[str, Any]]], most: str, planned: str
) -> None:
    """Settled rows accumulate over years, queued ones in an outage: neither makes the queue slower.

    A service that started with the database keeps its first plans until the next analyze.
    """
    statements = {name: (statement, PARAMETERS) for name, statement in STATEMENTS.items()} | listed
    touched: dict[str, list[int]] = {name: [] for name in statements}
    with psycopg.connect(database_url, autocommit=True, row_factory=tuple_row) as connection:
        connection.execute(EXPLAIN_ALL)
        connection.execute(LEFT_ALONE)
        if planned == "on empty tables":
            for statement, parameters in statements.values():
                pages_touched(connection, statement, parameters)
        for first, last in ((1, SMALL), (SMALL + 1, LARGE)):
            for part in FILL.strip().split(";\n"):
                rows = {"first": first, "last": last, "mixed": SMALL, "most": most}
                connection.execute(part.rstrip(";"), rows)
            if planned == "on what is there":
                connection.execute("VACUUM ANALYZE")
            for name, (statement, parameters) in statements.items():
                touched[name].append(pages_touched(connection, statement, parameters))
    # An index of a hundred times the rows is a level deeper; a scan would touch a hundred times the pages.
    grown = {name: pages for name, pages in touched.items() if pages[1] > 3 * pages[0] + 100}
    assert grown == {}, f"pages at {SMALL} and at {LARGE} rows"
