"""What the preview of an import shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import TIMEFRAMES, ComparisonKey, term_slug
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.charts.drawing.svg import Markup
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.sparkline import term_sparkline
from services.gateway.pages.importing.entered import Entered
from services.gateway.pages.links import Links
from services.gateway.pages.words import TIMEFRAMES as TIMEFRAME_WORDS
from services.gateway.pages.words import UNITS, Named, geo_name, names_of


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    term: str
    chosen: bool
    read: bool
    lowest: float
    highest: float
    missing: int
    chart: Markup


@dataclass(frozen=True)
class Preview:
    """What was read. Without `names`, the terms have to be chosen, or a second file is needed."""

    names: tuple[Named, Named] | None
    columns: list[Column]
    timeframe: str
    geo: str
    geo_assumed: bool
    points: int
    unit: str
    first: date | None
    last: date | None
    partial_last_period: bool
    scaled_apart: bool
    cleaned: list[tuple[str, int]]
    known: bool  # already stored
    path: str  # of the comparison's page
    sent_again: list[tuple[str, str]]  # fields of the form that confirms

    @property
    def needs_file(self) -> bool:
        """Whether the second term is in another file."""
        return self.names is None and len(self.columns) == 1


def preview(answer: jobs_pb2.PreviewSnapshotResponse, entered: Entered) -> Preview:
    """What jobs answered."""
    row = answer.snapshot
    terms = tuple(row.terms)
    names = names_of((terms[0], terms[1])) if row.slug else None
    as_of = timestamp(row, "as_of")
    previewed = [("previewedAt", as_of.isoformat() if as_of else ""), ("dataHash", row.data_hash)]
    return Preview(
        names=names,
        columns=_columns(answer, names),
        timeframe=TIMEFRAME_WORDS[row.timeframe],
        geo=geo_name(row.geo),
        geo_assumed=row.geo_assumed,
        points=row.points,
        unit=UNITS[TIMEFRAMES[row.timeframe].step],
        first=timestamp(row, "first"),
        last=timestamp(row, "last"),
        partial_last_period=row.partial_last_period,
        scaled_apart=row.scaled_apart,
        cleaned=[(each.what, each.count) for each in row.cleaned],
        known=bool(row.slug) and not row.created,
        path=Links.of(ComparisonKey(row.slug, row.timeframe, row.geo)).page if row.slug else "",
        sent_again=[*entered.fields, *previewed],
    )


def _columns(answer: jobs_pb2.PreviewSnapshotResponse, names: tuple[Named, Named] | None) -> list[Column]:
    # The columns of one export have one scale, those of two have one each.
    together = [value for each in answer.columns for value in each.sampled_values]
    return [
        Column(
            term=each.term,
            chosen=each.chosen,
            read=each.values > 0,
            lowest=each.lowest,
            highest=each.highest,
            missing=each.missing,
            chart=term_sparkline(
                each.term,
                each.sampled_values,
                _role(each, names),
                each.sampled_values if answer.snapshot.scaled_apart else together,
            ),
        )
        for each in answer.columns
    ]


def _role(column: jobs_pb2.ImportColumn, names: tuple[Named, Named] | None) -> Role | None:
    if names is None or not column.chosen:
        return None
    return Role.A if term_slug(column.term) == term_slug(names[0].name) else Role.B
