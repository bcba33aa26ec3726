"""Comparisons with the state of their forecasts, most popular first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from services.common.comparison import TIMEFRAMES
from services.common.engine_version import engine_number
from services.common.freshness import FRESH_FOR, RETAINED_FOR
from services.common.job_status import JobStatus
from services.jobs.domain.comparison import ListedComparison
from services.jobs.domain.job import QueuePolicy
from services.jobs.domain.reports.coverage import (
    COUNTED,
    FAILED,
    STALE,
    CoverageCount,
    CoverageCursor,
    CoverageFilter,
    CoveragePage,
    CoverageState,
    CoverageSummary,
    CoveredComparison,
)
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.reports.kept import Kept
from services.jobs.postgres.search import Search
from services.jobs.postgres.sql.schema import POPULARITY
from services.jobs.postgres.sql.upkeep import DEMAND_HALF_LIFE

_SCANNED = 5_000  # comparisons that one page checks; a filter that few pass ends a page early
_COUNT_EVERY = 10.0  # seconds; a count takes 0.1 s of CPU
_STALE = [state.value for state in CoverageState if state.staleness]
_MAX_SLUGS = 2_000  # that a query may match to be looked up; above, comparisons are checked in order

# The lowest popularity of a comparison requested since a moment: one request at that moment.
_REQUESTED_SINCE = "now() - make_interval(days => %(requested_within_days)s)"
_REQUESTED_POPULARITY = (
    f"EXTRACT(epoch FROM {_REQUESTED_SINCE} - '1970-01-01 00:00:00+00'::timestamptz)::float8 / {DEMAND_HALF_LIFE}"
)
_OF_COMPARISON = " AND ".join(f"{{job}}.{part} = comparison.{part}" for part in ("slug", "timeframe", "geo"))


def _ready_at(job: str) -> str:
    """When a job's bundles were last made; null if they were reported lost since."""
    # A job that refreshes its forecast is not ready; its history remains, or the forecast's record, which has the
    # moment of the first of equal forecasts.
    return f"""
        CASE WHEN {job}.status = 'ready' THEN {job}.completed_at
             WHEN {job}.reason <> 'cache-lost' THEN COALESCE((
                SELECT ended_at FROM warmup_attempts
                WHERE job_id = {job}.id AND outcome = 'ready' ORDER BY lease_id DESC LIMIT 1
             ), (SELECT max(generated_at) FROM forecast_records WHERE job_id = {job}.id))
        END"""


# For each `comparison`: its current job and the state of its forecasts. OFFSET 0 keeps the planner from computing the
# moments again for each use.
_STATE = f"""
    JOIN snapshots AS current ON current.id = comparison.current_snapshot_id
    LEFT JOIN warmup_jobs AS job ON {_OF_COMPARISON.format(job="job")} AND job.data_hash = current.data_hash
    CROSS JOIN LATERAL (SELECT {_ready_at("job")} AS ready_at OFFSET 0) AS own
    CROSS JOIN LATERAL (
        -- services.common.engine_version.engine_number
        SELECT COALESCE(substring(job.engine_version from '^[0-9]+')::numeric, -1) < %(engine_number)s::numeric
               AS by_older_engine OFFSET 0
    ) AS made
    -- Until the current snapshot has forecasts, those of the one before are served.
    CROSS JOIN LATERAL (
        SELECT CASE WHEN own.ready_at > now() - %(retained_for)s THEN own.ready_at ELSE GREATEST(own.ready_at, (
            SELECT {_ready_at("old")}
            FROM snapshots AS previous
            JOIN warmup_jobs AS old ON {_OF_COMPARISON.format(job="old")} AND old.data_hash = previous.data_hash
            WHERE previous.id = comparison.previous_snapshot_id
        )) END AS ready_at OFFSET 0
    ) AS served
    CROSS JOIN LATERAL (
        -- services.common.freshness.staleness
        SELECT CASE WHEN own.ready_at > now() - %(retained_for)s
                    THEN CASE WHEN made.by_older_engine THEN 'stale-engine-version'
                              WHEN own.ready_at < now() - %(fresh_for)s THEN 'stale-age' ELSE 'fresh' END
                    WHEN served.ready_at > now() - %(retained_for)s THEN 'stale-snapshot' ELSE 'cold' END AS state
        OFFSET 0
    ) AS coverage
"""
_COLUMNS = f"""
    comparison.id, comparison.popularity, comparison.slug, comparison.timeframe, comparison.geo, comparison.updated_at,
    comparison.last_requested_at, current.data_hash, cardinality(current.times) AS points, current.times[1] AS first,
    current.times[cardinality(current.times)] AS last, job.id AS job_id, job.status, coverage.state,
    own.ready_at AS last_ready_at,
    CASE WHEN NOT made.by_older_engine THEN own.ready_at + %(fresh_for)s END AS fresh_until,
    served.ready_at + %(retained_for)s AS warm_until,
    COALESCE(comparison.demand * 0.5 ^ (EXTRACT(epoch FROM now() - comparison.last_requested_at) / {DEMAND_HALF_LIFE}),
             0)::float8 AS demand
"""
_CANDIDATE_COLUMNS = (
    "id, slug, timeframe, geo, updated_at, demand, last_requested_at, current_snapshot_id, previous_snapshot_id, "
    f"{POPULARITY} AS popularity"
)
_BY_POPULARITY = "ORDER BY popularity DESC, id DESC"
_SUMMARY = f"""
SELECT comparison.timeframe, coverage.state,
       COALESCE(comparison.last_requested_at > {_REQUESTED_SINCE}, false) AS requested, count(*) AS count
FROM (
    SELECT {_CANDIDATE_COLUMNS} FROM comparisons ORDER BY {POPULARITY} DESC, id DESC LIMIT {COUNTED}
) AS comparison
{_STATE}
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class _Query:
    """The query of one list."""

    candidates: str  # rows of comparisons, most popular first
    conditions: str  # on these and their state
    parameters: Mapping[str, object]


class Coverage:
    """Coverage in PostgreSQL. Raises WarmcastError(UNAVAILABLE) when that is unavailable."""

    def __init__(
        self, database: Database, policy: QueuePolicy, search: Search, engine_version: Callable[[], str]
    ) -> None:
        """`engine_version`: the newest of the forecasters, whose bundles are not stale; empty while unknown."""
        self._engine_version = engine_version
        self._database = database
        self._search = search
        self._summary = Kept(self._count, seconds=_COUNT_EVERY)
        self._parameters = {
            "fresh_for": FRESH_FOR,
            "retained_for": RETAINED_FOR,
            "requested_within_days": policy.requested_within_days,
        }

    async def page(self, wanted: CoverageFilter, *, limit: int, after: CoverageCursor | None) -> CoveragePage:
        """Up to `limit` comparisons that pass the filter, after the given place.

        At most 5,000 are checked, so a page may be short and still have one after it.
        """
        engine_version = self._engine_version()
        query = await self._query(wanted, after, scanned=_SCANNED)
        rows = await self._database.fetch(_page(query, limit + 1), query.parameters)
        covered = [_covered(row) for row in rows[:limit]]
        if len(rows) > limit:
            return CoveragePage(covered, covered[-1].cursor, engine_version)
        last = await self._database.fetch(_last_candidate(query), query.parameters)
        after = CoverageCursor(last[0]["popularity"], last[0]["id"]) if last else None
        return CoveragePage(covered, after, engine_version)

    async def matching(self, wanted: CoverageFilter, *, limit: int) -> tuple[str, Mapping[str, object]]:
        """A query of all that pass the filter and whose job does not run, up to `limit`, and its parameters.

        Its rows have the `id` of the current snapshot and the `version` of that snapshot's job, 0 without one. 100,000
        take seconds.
        """
        query = await self._query(wanted, None, scanned=None)
        statement = f"""
            SELECT id, version FROM (
                SELECT current.id, COALESCE(job.version, 0) AS version, job.status
                FROM ({query.candidates}) AS comparison {_STATE} {query.conditions}
            ) AS matched
            WHERE status IS DISTINCT FROM 'running'
            LIMIT {limit:d}"""
        return statement, query.parameters

    async def summary(self) -> CoverageSummary:
        """Counts over the most popular comparisons, at most 10 s old."""
        return await self._summary.get()

    async def _count(self) -> CoverageSummary:
        engine_version = self._engine_version()
        parameters = self._parameters | {"engine_number": engine_number(engine_version)}
        return _summary(await self._database.fetch(_SUMMARY, parameters), engine_version)

    async def _query(self, wanted: CoverageFilter, after: CoverageCursor | None, *, scanned: int | None) -> _Query:
        """`scanned`: the most candidates to check; None: all."""
        slugs = await self._search.slugs(wanted.query, limit=_MAX_SLUGS + 1) if wanted.query else []
        by_slug = bool(wanted.query) and len(slugs) <= _MAX_SLUGS
        conditions = _conditions(wanted, by_slug=by_slug, anywhere=await self._search.finds_parts(wanted.query))
        parameters = self._parameters | {
            "engine_number": engine_number(self._engine_version()),
            "states": _STALE if wanted.state == STALE else [wanted.state],
            "query": wanted.query,
            "timeframe": wanted.timeframe,
            "geo": wanted.geo,
            "slugs": slugs if by_slug else [],
        }
        if after is not None:
            parameters |= {"popularity": after.popularity, "after_id": after.comparison_id}
        bounds = [*_bounds(wanted, after), *(("slug = ANY(%(slugs)s)",) if by_slug else ())]
        where = f"WHERE {' AND '.join(bounds)}" if bounds else ""
        candidates = f"SELECT {_CANDIDATE_COLUMNS} FROM comparisons {where}"
        if by_slug:
            # Selected first, since they are few: the planner may otherwise read all comparisons in order.
            candidates = f"WITH found AS MATERIALIZED ({candidates}) SELECT * FROM found {_BY_POPULARITY}"
        else:
            candidates += f" ORDER BY {POPULARITY} DESC, id DESC"
        if scanned is not None:
            candidates += f" LIMIT {scanned:d}"
        return _Query(candidates, conditions, parameters)


def _page(query: _Query, limit: int) -> str:
    # The page first, then the terms of its rows.
    return f"""
SELECT listed.*, pair.term_a, pair.term_b
FROM (
    SELECT {_COLUMNS} FROM ({query.candidates}) AS comparison {_STATE} {query.conditions}
    ORDER BY comparison.popularity DESC, comparison.id DESC LIMIT {limit:d}
) AS listed
JOIN term_pairs AS pair ON pair.slug = listed.slug
{_BY_POPULARITY}
"""


def _last_candidate(query: _Query) -> str:
    """The last comparison that a page checked, if there may be more."""
    return f"SELECT popularity, id FROM ({query.candidates}) AS candidate OFFSET {_SCANNED - 1} LIMIT 1"


def _bounds(wanted: CoverageFilter, after: CoverageCursor | None) -> list[str]:
    """Conditions by which candidates are found in the index."""
    bounds = []
    if after is not None:
        bounds.append(f"({POPULARITY}, id) < (%(popularity)s::float8, %(after_id)s::bigint)")
    if wanted.requested:
        bounds.append(f"{POPULARITY} >= {_REQUESTED_POPULARITY}")
    return bounds


def _conditions(wanted: CoverageFilter, *, by_slug: bool, anywhere: bool) -> str:
    conditions = []
    if wanted.requested:
        conditions.append(f"comparison.last_requested_at > {_REQUESTED_SINCE}")
    if wanted.timeframe:
        conditions.append("comparison.timeframe = %(timeframe)s")
    if wanted.geo is not None:
        conditions.append("comparison.geo = %(geo)s")
    if wanted.query and not by_slug:
        conditions.append(
            "strpos(comparison.slug, %(query)s) > 0"
            if anywhere
            else "(starts_with(comparison.slug, %(query)s) "
            "OR starts_with(split_part(comparison.slug, '-vs-', 2), %(query)s))"
        )
    if wanted.state == FAILED:
        conditions.append("job.status || '' = 'failed'")
    elif wanted.state:
        conditions.append("coverage.state = ANY(%(states)s)")
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _covered(row: DictRow) -> CoveredComparison:
    listed: dict[str, Any] = {name: row[name] for name in ListedComparison.__dataclass_fields__}
    return CoveredComparison(
        cursor=CoverageCursor(row["popularity"], row["id"]),
        listed=ListedComparison(**listed),
        state=CoverageState(row["state"]),
        status=JobStatus(row["status"]) if row["status"] else None,
        job_id=row["job_id"],
        last_ready_at=row["last_ready_at"],
        fresh_until=row["fresh_until"],
        warm_until=row["warm_until"],
        demand=row["demand"],
        last_requested_at=row["last_requested_at"],
    )


def _summary(rows: Sequence[DictRow], engine_version: str) -> CoverageSummary:
    counted = [(row, CoverageCount(**{row["state"].replace("-", "_"): row["count"]})) for row in rows]
    nothing = CoverageCount()
    return CoverageSummary(
        all=sum((count for _, count in counted), nothing),
        requested=sum((count for row, count in counted if row["requested"]), nothing),
        timeframes={
            name: sum((count for row, count in counted if row["timeframe"] == name), nothing) for name in TIMEFRAMES
        },
        engine_version=engine_version,
    )
