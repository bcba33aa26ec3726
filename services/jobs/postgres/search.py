"""Pages of comparisons with what a list shows of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    union,
)

from services.common.job_status import JobStatus
from services.jobs.domain.comparison import (
    ComparisonSearch,
    ComparisonSummary,
    ListedComparison,
    leader,
    summary_values,
)
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.sql.schema import comparisons, forecast_records, snapshots, term_pairs, warmup_jobs

Place = tuple[str, str, str]  # slug, timeframe, geo
_KEY = (comparisons.c.slug, comparisons.c.timeframe, comparisons.c.geo)
_LAST_CHARACTER = "\U0010ffff"  # in no slug
_TRIGRAM = 3  # characters
_HAS_TRIGRAMS = "SELECT extname FROM pg_extension WHERE extname = 'pg_trgm'"


class Search:
    """Finds comparisons. Raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.trigrams: bool | None = None  # whether pg_trgm is there; None: not known yet

    async def comparisons(self, search: ComparisonSearch, *, limit: int, after: Place | None) -> list[ListedComparison]:
        """Comparisons that match, in the order of (slug, timeframe, geo), after the given one."""
        listed = await self._page(search, limit, after)
        return [ListedComparison(**row) for row in await self._database.select(_comparisons(listed))]

    async def summaries(self, search: ComparisonSearch, *, limit: int, after: Place | None) -> list[ComparisonSummary]:
        """The same, with what a list shows of each."""
        listed = await self._page(search, limit, after)
        return [_summary(row) for row in await self._database.select(_summaries(listed))]

    async def slugs(self, query: str, *, limit: int) -> list[str]:
        """Slugs that match, in order, up to `limit`."""
        matched = _matched(query, anywhere=await self.finds_parts(query))
        ordered = matched.order_by(matched.selected_columns.slug).limit(_written(limit))
        return [row["slug"] for row in await self._database.select(ordered)]

    async def finds_parts(self, query: str) -> bool:
        """Whether the query is found anywhere in a slug, and not only where a term begins."""
        return len(query) >= _TRIGRAM and await self._has_trigrams()

    async def _page(self, search: ComparisonSearch, limit: int, after: Place | None) -> Subquery:
        return _page(search, limit=limit, after=after, anywhere=await self.finds_parts(search.query))

    async def _has_trigrams(self) -> bool:
        if self.trigrams is None:
            self.trigrams = bool(await self._database.fetch(_HAS_TRIGRAMS))
        return self.trigrams


def _page(search: ComparisonSearch, *, limit: int, after: Place | None, anywhere: bool) -> Subquery:
    keys = select(*_KEY, comparisons.c.current_snapshot_id, comparisons.c.updated_at)
    if after is not None:
        keys = keys.where(tuple_(*_KEY) > tuple_(*after))
    if search.slug:
        keys = keys.where(comparisons.c.slug == search.slug)
    if search.query:
        matched = _matched(search.query, anywhere=anywhere)
        if after is not None:
            matched = matched.where(matched.selected_columns.slug >= after[0])
        # Each slug has a comparison. That of `after` may have none after it: one more.
        slugs = matched.order_by(matched.selected_columns.slug).limit(_written(limit + 1)).cte("slugs")
        found = keys.where(comparisons.c.slug.in_(select(slugs.prefix_with("MATERIALIZED").c.slug)))
        # Found first: without statistics the planner may read all comparisons in order.
        keys = select(found.cte("found").prefix_with("MATERIALIZED"))
    # The page first: the planner may otherwise join whole tables.
    place = [keys.selected_columns[column.name] for column in _KEY]
    return keys.order_by(*place).limit(_written(limit)).subquery("listed")


def _comparisons(listed: Subquery) -> Select[Any]:
    return (
        select(
            listed.c.slug,
            term_pairs.c.term_a,
            term_pairs.c.term_b,
            listed.c.timeframe,
            listed.c.geo,
            snapshots.c.data_hash,
            func.cardinality(snapshots.c.times).label("points"),
            snapshots.c.times[1].label("first"),
            snapshots.c.times[func.cardinality(snapshots.c.times)].label("last"),
            listed.c.updated_at,
        )
        .select_from(listed)
        .join(term_pairs, term_pairs.c.slug == listed.c.slug)
        .join(snapshots, snapshots.c.id == listed.c.current_snapshot_id)
        .order_by(listed.c.slug, listed.c.timeframe, listed.c.geo)
    )


def _summaries(listed: Subquery) -> Select[Any]:
    of_snapshot = and_(*_of(warmup_jobs, listed), warmup_jobs.c.data_hash == snapshots.c.data_hash)
    return (
        _comparisons(listed)
        .add_columns(
            snapshots.c.values_a,
            snapshots.c.values_b,
            snapshots.c.partial_last_period,
            snapshots.c.scaled_apart,
            warmup_jobs.c.status,
            _last_ready_at(listed).label("last_ready_at"),
        )
        .outerjoin(warmup_jobs, of_snapshot)
    )


def _last_ready_at(listed: FromClause) -> ColumnElement[datetime]:
    job = warmup_jobs.alias("job")
    # `|| ''` keeps the planner from the index on status, which returns all ready rows.
    is_ready = job.c.status.concat("") == JobStatus.READY.value
    completed = select(func.max(job.c.completed_at)).where(*_of(job, listed), is_ready)
    # A job that refreshes its forecast is not ready; the forecast's record remains.
    recorded = (
        select(func.max(forecast_records.c.generated_at))
        .join(job, job.c.id == forecast_records.c.job_id)
        .where(*_of(job, listed))
    )
    return func.greatest(completed.scalar_subquery(), recorded.scalar_subquery())


def _of(jobs: FromClause, listed: FromClause) -> list[ColumnElement[bool]]:
    return [jobs.c[part] == listed.c[part] for part in ("slug", "timeframe", "geo")]


def _matched(query: str, *, anywhere: bool) -> Select[Any]:
    """The slugs that match."""
    slugs = select(term_pairs.c.slug)
    if anywhere:
        # Selected first: with a limit, the planner may read all slugs in order.
        part = slugs.where(term_pairs.c.slug.contains(query, autoescape=True)).cte("part")
        return select(part.prefix_with("MATERIALIZED").c.slug)
    second = func.split_part(term_pairs.c.slug, literal_column("'-vs-'"), literal_column("2"))
    # Not OR: with bitmap scans disabled (PLANNING), it would read the whole index.
    either = union(slugs.where(_starts_with(term_pairs.c.slug, query)), slugs.where(_starts_with(second, query)))
    return select(either.subquery("either").c.slug)


def _starts_with(text: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    # Not LIKE: a plan for any parameter uses no index for it. These operators compare bytes.
    return and_(text.op("~>=~")(beginning), text.op("~<~")(beginning + _LAST_CHARACTER))


def _written(value: int) -> BindParameter[int]:
    # A literal: for a parameter the planner assumes a tenth of all rows.
    return literal(value, literal_execute=True)


def _summary(row: DictRow) -> ComparisonSummary:
    values = [_complete(row[name], partial=row["partial_last_period"]) for name in ("values_a", "values_b")]
    names = ("slug", "term_a", "term_b", "timeframe", "geo", "data_hash", "points", "first", "last", "updated_at")
    return ComparisonSummary(
        listed=ListedComparison(**{name: row[name] for name in names}),
        scaled_apart=row["scaled_apart"],
        values_a=summary_values(values[0]),
        values_b=summary_values(values[1]),
        status=JobStatus(row["status"]) if row["status"] else None,
        last_ready_at=row["last_ready_at"],
        leader=leader(values[0][-1], values[1][-1], scaled_apart=row["scaled_apart"]),
    )


def _complete(values: Sequence[float], *, partial: bool) -> Sequence[float]:
    return values[:-1] if partial else values
