"""Comparisons and their snapshots in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from psycopg.types.json import Jsonb

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.jobs.domain.comparison import CurrentSnapshot, ImportResult, check_owner
from services.jobs.domain.job import EnqueueReason, QueuePolicy
from services.jobs.domain.operations import Record
from services.jobs.domain.signals import Signals
from services.jobs.domain.snapshot import ImportedSnapshot, Snapshot
from services.jobs.domain.warmup import WarmupView
from services.jobs.postgres import warmup_views
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver.connection import Connection, run
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.operations.actions import recording
from services.jobs.postgres.queue import enqueue_in
from services.jobs.postgres.rows import to_signals, to_snapshot
from services.jobs.postgres.sql import actions, claims, edges, upkeep

# A slug belongs to its first terms. DO UPDATE changes nothing, but returns the row in both cases.
_CLAIM_SLUG = """
INSERT INTO term_pairs (slug, term_a, term_b) VALUES (%(slug)s, %(term_a)s, %(term_b)s)
ON CONFLICT (slug) DO UPDATE SET slug = EXCLUDED.slug
RETURNING term_a, term_b
"""

# DO UPDATE changes nothing, but locks an existing row, so that retention cannot delete it before the commit; if that
# has just deleted it, the row is inserted. xmax is 0 in an inserted row.
_STORE_SNAPSHOT = """
INSERT INTO snapshots AS snapshot
       (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period, scaled_apart,
        gaps_filled, source, as_of, cleaned, signals)
VALUES (%(slug)s, %(timeframe)s, %(geo)s, %(data_hash)s, %(times)s, %(values_a)s, %(values_b)s,
        %(partial_last_period)s, %(scaled_apart)s, %(gaps_filled)s, %(source)s, %(as_of)s, %(cleaned)s, %(signals)s)
ON CONFLICT ON CONSTRAINT snapshot_unique DO UPDATE SET source = snapshot.source
RETURNING id, xmax = 0 AS created
"""

_FIND_SNAPSHOT = """
SELECT id FROM snapshots
WHERE slug = %(slug)s AND timeframe = %(timeframe)s AND geo = %(geo)s AND data_hash = %(data_hash)s
"""

# The previous snapshot is the last one with a forecast: one replaced before its run has nothing to serve.
_MAKE_CURRENT = """
INSERT INTO comparisons AS comparison (slug, timeframe, geo, current_snapshot_id)
VALUES (%(slug)s, %(timeframe)s, %(geo)s, %(snapshot_id)s)
ON CONFLICT ON CONSTRAINT comparison_unique DO UPDATE SET
    previous_snapshot_id = CASE WHEN EXISTS (
        SELECT FROM snapshots AS old JOIN warmup_jobs AS job USING (slug, timeframe, geo, data_hash)
        WHERE old.id = comparison.current_snapshot_id AND job.engine_version IS NOT NULL
    ) THEN comparison.current_snapshot_id ELSE comparison.previous_snapshot_id END,
    current_snapshot_id = EXCLUDED.current_snapshot_id,
    updated_at = now()
WHERE comparison.current_snapshot_id <> EXCLUDED.current_snapshot_id
RETURNING id
"""

_RECENT_DEMAND = """
SELECT COALESCE(job.version, 0) AS version
FROM comparisons AS comparison
LEFT JOIN warmup_jobs AS job ON job.slug = comparison.slug AND job.timeframe = comparison.timeframe
    AND job.geo = comparison.geo AND job.data_hash = %(data_hash)s
WHERE comparison.slug = %(slug)s AND comparison.timeframe = %(timeframe)s AND comparison.geo = %(geo)s
  AND comparison.last_requested_at > now() - make_interval(days => %(requested_within_days)s)
"""

_CURRENT_SNAPSHOT = f"""
SELECT {claims.SERIES_COLUMNS}, snapshot.slug, snapshot.timeframe, snapshot.geo, snapshot.data_hash,
       snapshot.signals, comparison.updated_at
FROM comparisons AS comparison
JOIN snapshots AS snapshot ON snapshot.id = comparison.current_snapshot_id
JOIN term_pairs AS pair ON pair.slug = comparison.slug
WHERE comparison.slug = %(slug)s AND comparison.timeframe = %(timeframe)s AND comparison.geo = %(geo)s
"""

_MAX_DEMAND = 1e9  # a bound, since reports need no secret

# Locks the rows in the order of their ids before the update: concurrent reports list the same comparisons in different
# orders, and would deadlock.
_DEMAND = f"""
WITH reported AS MATERIALIZED (
    SELECT comparison.id, total.count
    FROM (
        SELECT slug, timeframe, geo, sum(count) AS count
        FROM unnest(%(slugs)s::text[], %(timeframes)s::text[], %(geos)s::text[], %(counts)s::bigint[])
            AS each (slug, timeframe, geo, count)
        GROUP BY slug, timeframe, geo
    ) AS total
    JOIN comparisons AS comparison USING (slug, timeframe, geo)
    ORDER BY comparison.id
    FOR NO KEY UPDATE OF comparison
)
UPDATE comparisons AS comparison SET
    demand = LEAST(%(max_demand)s, reported.count + demand * COALESCE(
        0.5 ^ (EXTRACT(epoch FROM now() - last_requested_at) / {upkeep.DEMAND_HALF_LIFE}), 0)),
    last_requested_at = now()
FROM reported WHERE comparison.id = reported.id
"""


class Comparisons:
    """Comparisons and snapshots in PostgreSQL. Raises WarmcastError(UNAVAILABLE) when that is unavailable."""

    def __init__(self, database: Database, policy: QueuePolicy, publisher: ChangePublisher) -> None:
        self._database = database
        self._publisher = publisher
        self._overdue_after = policy.overdue_after
        self._requested_within_days = policy.requested_within_days

    async def now(self) -> datetime:
        """PostgreSQL's clock."""
        now: datetime = (await self._database.fetch("SELECT now()"))[0]["now"]
        return now

    async def terms_of(self, slug: str) -> tuple[str, str] | None:
        """The terms of a slug, if it is taken."""
        rows = await self._database.fetch("SELECT term_a, term_b FROM term_pairs WHERE slug = %(slug)s", {"slug": slug})
        return (rows[0]["term_a"], rows[0]["term_b"]) if rows else None

    async def has(self, snapshot: Snapshot) -> bool:
        """Whether the same data were imported before."""
        return bool(await self._database.fetch(_FIND_SNAPSHOT, snapshot.key._asdict()))

    async def ingest(
        self, snapshot: ImportedSnapshot, signals: tuple[Signals, Signals], *, record: Record | None = None
    ) -> ImportResult:
        """Stores a snapshot if it is new, and makes it the current one, in one transaction.

        Newer data cancel the jobs of older data. A comparison with recent demand is enqueued at once. An import that
        changes something is recorded. Raises WarmcastError(SLUG_TAKEN) if the slug belongs to other terms.
        """
        ingested, changed = await self._database.transact(
            lambda connection: self._ingest_in(connection, snapshot, signals, record),
            on_unknown_outcome=self._publisher.publish_unknown,
        )
        self._publisher.publish(changed)
        return ingested

    async def view(self, key: ComparisonKey) -> WarmupView:
        """The state of the current snapshot's warmup. Raises WarmcastError(NOT_FOUND)."""
        [view] = await self.views([key])
        if view is None:
            raise await self._unknown(key)
        return view

    async def views(self, keys: Sequence[ComparisonKey]) -> list[WarmupView | None]:
        """The same for several comparisons with one statement, in order; None for unknown ones."""
        return await warmup_views.views(self._database, keys, overdue_after=self._overdue_after)

    async def current(self, key: ComparisonKey) -> CurrentSnapshot:
        """The current snapshot. Raises WarmcastError(NOT_FOUND)."""
        rows = await self._database.fetch(_CURRENT_SNAPSHOT, key._asdict())
        if not rows:
            raise await self._unknown(key)
        return CurrentSnapshot(to_snapshot(rows[0]), to_signals(rows[0]["signals"]), rows[0]["updated_at"])

    async def report_demand(self, demand: Mapping[ComparisonKey, int]) -> None:
        """Adds to the demand for each comparison, up to a bound; skips unknown ones."""
        parameters = {
            "slugs": [key.slug for key in demand],
            "timeframes": [key.timeframe for key in demand],
            "geos": [key.geo for key in demand],
            "counts": list(demand.values()),
            "max_demand": _MAX_DEMAND,
        }
        # Not retried: it would count twice.
        await self._database.fetch_once(_DEMAND, parameters)

    async def _ingest_in(
        self,
        connection: Connection,
        snapshot: ImportedSnapshot,
        signals: tuple[Signals, Signals],
        record: Record | None,
    ) -> tuple[ImportResult, list[int]]:
        """Imports in a transaction; also returns the ids of the changed jobs."""
        key, named = snapshot.comparison, snapshot.key._asdict()
        terms = await _claim_slug(connection, snapshot)
        (stored,) = await run(connection, _STORE_SNAPSHOT, named | _snapshot_columns(snapshot, signals))
        replaced = await run(connection, _MAKE_CURRENT, key._asdict() | {"snapshot_id": stored["id"]})
        superseded = await run(connection, edges.SUPERSEDE, named)
        requested = await run(
            connection, _RECENT_DEMAND, named | {"requested_within_days": self._requested_within_days}
        )
        job = None
        if requested:
            seen, reason = requested[0]["version"], EnqueueReason.IMPORT
            job = await enqueue_in(connection, key, snapshot.data_hash, seen_version=seen, reason=reason)
        changed = [row["id"] for row in superseded] + ([job.id] if job else [])
        if record and (replaced or changed):
            await run(connection, actions.RECORD_IMPORT, recording(record) | {"count": len(changed)})
        return ImportResult(terms, stored["created"], job is not None), changed

    async def _unknown(self, key: ComparisonKey) -> WarmcastError:
        rows = await self._database.fetch(
            "SELECT timeframe, geo FROM comparisons WHERE slug = %(slug)s ORDER BY timeframe, geo LIMIT 20",
            {"slug": key.slug},
        )
        existing = ", ".join(f"{row['timeframe']} {row['geo'] or 'worldwide'}" for row in rows)
        missing = f"no data for {key.slug}, {key.timeframe} {key.geo or 'worldwide'}"
        return WarmcastError(
            errors.NOT_FOUND, f"{missing}; available: {existing}" if existing else f"{missing}; import it first"
        )


async def _claim_slug(connection: Connection, snapshot: Snapshot) -> tuple[str, str]:
    term_a, term_b = snapshot.terms
    claimed = await run(connection, _CLAIM_SLUG, {"slug": snapshot.slug, "term_a": term_a, "term_b": term_b})
    owner = (claimed[0]["term_a"], claimed[0]["term_b"])
    check_owner(owner, snapshot)
    return owner


def _snapshot_columns(snapshot: ImportedSnapshot, signals: tuple[Signals, Signals]) -> dict[str, object]:
    return {
        "times": list(snapshot.times),
        "values_a": list(snapshot.values_a),
        "values_b": list(snapshot.values_b),
        "partial_last_period": snapshot.partial_last_period,
        "scaled_apart": snapshot.scaled_apart,
        "gaps_filled": snapshot.gaps_filled,
        "source": snapshot.source,
        "as_of": snapshot.as_of,
        "cleaned": Jsonb(dict(snapshot.cleaned)),
        "signals": Jsonb([asdict(term) for term in signals]),
    }
