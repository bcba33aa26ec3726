"""What the list shows of each comparison."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import TIMEFRAMES as TIMEFRAME_STEPS
from services.common.comparison import ComparisonKey
from services.common.job_status import JobStatus
from services.common.rpc.job_status import FROM_PROTO
from services.gateway.bodies.fields import timestamp
from services.gateway.pages.charts.drawing.svg import Markup
from services.gateway.pages.charts.drawing.times import long_ended
from services.gateway.pages.charts.sparkline import sparkline
from services.gateway.pages.charts.words import points_words
from services.gateway.pages.links import Links
from services.gateway.pages.words import TIMEFRAMES, Named, geo_name, names_of

_ON_ITS_WAY = (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True)
class Card:
    """One comparison."""

    names: tuple[Named, Named]
    path: str
    timeframe: str
    geo: str
    chart: Markup
    leader: Named | None  # None for a tie, and for terms that are scaled apart
    ahead: str
    behind: str
    scaled_apart: bool
    data_ended: bool  # too long ago to say who is ahead now
    last_forecast: datetime | None
    state: str  # in words; empty where there is nothing to say


def card(summary: jobs_pb2.ComparisonSummary, now: float) -> Card:
    """The card of one comparison. It never says “ready”, which only a premium call knows.

    `now`: in seconds since 1970.
    """
    row = summary.comparison
    names = names_of((row.terms[0], row.terms[1]))
    last_a, last_b = summary.values_a[-1], summary.values_b[-1]
    ahead, behind = points_words(max(last_a, last_b)), points_words(min(last_a, last_b))
    # Values that are written alike are level, as on the comparison's page.
    leader = None if ahead == behind else {"termA": names[0], "termB": names[1]}.get(summary.leader)
    status = FROM_PROTO.get(summary.status)
    return Card(
        names=names,
        path=Links.of(ComparisonKey(row.slug, row.timeframe, row.geo)).page,
        timeframe=TIMEFRAMES[row.timeframe],
        geo=geo_name(row.geo),
        chart=sparkline(names[0].name, names[1].name, list(summary.values_a), list(summary.values_b)),
        leader=leader,
        ahead=ahead,
        behind=behind,
        scaled_apart=summary.scaled_apart,
        data_ended=row.HasField("last") and long_ended(row.last.seconds, TIMEFRAME_STEPS[row.timeframe].step, now),
        last_forecast=timestamp(summary, "last_ready_at"),
        state=_state(status, ever=summary.HasField("last_ready_at")),
    )


def _state(status: JobStatus | None, *, ever: bool) -> str:
    if status in _ON_ITS_WAY:
        return "the next one is on its way" if ever else "The first forecast is on its way"
    if status is JobStatus.FAILED:
        return "the last try failed" if ever else "The last try failed"
    return "" if ever else "No forecast yet: open it to start one"
