"""The bodies of comparisons: in a list, in detail, and after an import."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import Step
from services.gateway.bodies.fields import (
    DataHash,
    Geo,
    Moment,
    NextCursor,
    Period,
    Slug,
    Terms,
    Timeframe,
    one_of,
    period,
    timestamp,
)
from services.gateway.bodies.signals import Signals, term_signals


class _Snapshot(msgspec.Struct, rename="camel"):
    slug: Slug
    terms: Terms
    timeframe: Timeframe
    geo: Geo
    data_hash: DataHash
    points: Annotated[int, Meta(description="periods in the series")]
    first_date: Period
    last_date: Period


class Comparison(_Snapshot, rename="camel"):
    """One comparison in a list."""

    updated_at: Moment | None


class ComparisonList(msgspec.Struct, rename="camel"):
    """One page of comparisons."""

    comparisons: list[Comparison]
    next_cursor: NextCursor


class Stats(msgspec.Struct, rename="camel"):
    """Figures of one term's values."""

    mean: float
    minimum: float
    maximum: float
    standard_deviation: float


class BothStats(msgspec.Struct, rename="camel"):
    """The stats of both terms."""

    term_a: Stats
    term_b: Stats


class SeriesPoint(msgspec.Struct):
    """One period."""

    date: Period
    values: Annotated[tuple[float, ...], Meta(description="termA's, termB's")]


class ComparisonDetail(Comparison, rename="camel"):
    """One comparison with its series, stats and signals."""

    partial_last_period: Annotated[bool, Meta(description="the last point covers an incomplete period")]
    scaled_apart: Annotated[bool, Meta(description="the terms come from two exports, each with its own scale")]
    source: str
    as_of: Moment | None
    stats: BothStats
    signals: Signals
    series: list[SeriesPoint]


class Cleaning(msgspec.Struct):
    """One kind of correction."""

    what: str
    count: int


class Ingested(_Snapshot, rename="camel"):
    """An imported snapshot."""

    cleaned: Annotated[list[Cleaning], Meta(description="what was corrected, and how often")]
    partial_last_period: bool
    scaled_apart: bool
    geo_assumed: Annotated[
        bool, Meta(description="neither the request nor the file names a geo, so worldwide was assumed")
    ]
    warmup_triggered: Annotated[bool, Meta(description="requested in the last 7 d, so enqueued at once")]


class Column(msgspec.Struct, rename="camel"):
    """One column of a file."""

    term: str
    chosen: Annotated[bool, Meta(description="for the comparison")]
    values: Annotated[int, Meta(description="periods with a value; 0 for a column that `term` did not select")]
    missing: Annotated[int, Meta(description="periods without a value; short gaps are filled")]
    lowest: Annotated[float | None, Meta(description="null for a column that was not read")]
    highest: float | None
    sampled_values: Annotated[
        tuple[float, ...],
        Meta(
            description="for a picture: at most 60 values of complete periods; of longer series the lowest and the "
            "highest of each part; empty for a column that was not read",
            max_length=60,
        ),
    ]


class Preview(msgspec.Struct, rename="camel"):
    """What an import would store."""

    slug: Annotated[Slug | None, Meta(description="null until two terms are chosen")]
    terms: Annotated[tuple[str, ...], Meta(description="termA and termB; empty until two are chosen", max_length=2)]
    timeframe: Timeframe
    geo: Geo
    data_hash: Annotated[DataHash | None, Meta(description="null until two terms are chosen")]
    known: Annotated[bool, Meta(description="the same data were imported before")]
    step: Annotated[str, one_of(Step)]
    points: Annotated[int, Meta(description="periods in the series")]
    first_date: Period
    last_date: Period
    cleaned: Annotated[list[Cleaning], Meta(description="what would be corrected, and how often")]
    partial_last_period: bool
    scaled_apart: bool
    geo_assumed: Annotated[
        bool, Meta(description="neither the request nor the file names a geo, so worldwide would be assumed")
    ]
    as_of: Annotated[
        Moment | None, Meta(description="the time of the data; an import with this asOf gets the same hash")
    ]
    columns: list[Column]


def comparison(row: jobs_pb2.Comparison) -> Comparison:
    """The body of one comparison in a list."""
    return Comparison(**_snapshot(row), updated_at=timestamp(row, "updated_at"))


def comparison_detail(row: jobs_pb2.GetComparisonResponse) -> ComparisonDetail:
    """The body of one comparison."""
    timeframe = row.comparison.timeframe
    return ComparisonDetail(
        **_snapshot(row.comparison),
        updated_at=timestamp(row.comparison, "updated_at"),
        partial_last_period=row.partial_last_period,
        scaled_apart=row.scaled_apart,
        source=row.source,
        as_of=timestamp(row, "as_of"),
        stats=BothStats(_stats(row.stats_a), _stats(row.stats_b)),
        signals=Signals(term_signals(row.signals_a), term_signals(row.signals_b)),
        series=[SeriesPoint(period(point.time, timeframe), (point.value_a, point.value_b)) for point in row.points],
    )


def ingested(row: jobs_pb2.IngestSnapshotResponse) -> Ingested:
    """The body of an import's response."""
    return Ingested(
        **_snapshot(row),
        cleaned=_cleaned(row),
        partial_last_period=row.partial_last_period,
        scaled_apart=row.scaled_apart,
        geo_assumed=row.geo_assumed,
        warmup_triggered=row.warmup_triggered,
    )


def previewed(preview: jobs_pb2.PreviewSnapshotResponse) -> Preview:
    """The body of a dry run's response."""
    row = preview.snapshot
    return Preview(
        slug=row.slug or None,
        terms=tuple(row.terms),
        timeframe=row.timeframe,
        geo=row.geo,
        data_hash=row.data_hash or None,
        known=bool(row.slug) and not row.created,
        step=row.step,
        points=row.points,
        first_date=period(row.first, row.timeframe),
        last_date=period(row.last, row.timeframe),
        cleaned=_cleaned(row),
        partial_last_period=row.partial_last_period,
        scaled_apart=row.scaled_apart,
        geo_assumed=row.geo_assumed,
        as_of=timestamp(row, "as_of"),
        columns=[_column(each) for each in preview.columns],
    )


# The values have several types, which the bodies name.
def _snapshot(row: jobs_pb2.Comparison | jobs_pb2.IngestSnapshotResponse) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "terms": tuple(row.terms),
        "timeframe": row.timeframe,
        "geo": row.geo,
        "data_hash": row.data_hash,
        "points": row.points,
        "first_date": period(row.first, row.timeframe),
        "last_date": period(row.last, row.timeframe),
    }


def _stats(stats: jobs_pb2.TermStats) -> Stats:
    return Stats(stats.mean, stats.minimum, stats.maximum, stats.standard_deviation)


def _cleaned(row: jobs_pb2.IngestSnapshotResponse) -> list[Cleaning]:
    return [Cleaning(each.what, each.count) for each in row.cleaned]


def _column(row: jobs_pb2.ImportColumn) -> Column:
    read = row.values > 0
    return Column(
        term=row.term,
        chosen=row.chosen,
        values=row.values,
        missing=row.missing,
        lowest=row.lowest if read else None,
        highest=row.highest if read else None,
        sampled_values=tuple(row.sampled_values),
    )
