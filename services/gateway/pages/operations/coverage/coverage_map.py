"""How many comparisons are fresh, stale (and why) and cold: those that were requested, all, and each timeframe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.gateway.pages.charts.drawing.svg import Markup
from services.gateway.pages.charts.operations.coverage_bar import coverage_bar
from services.gateway.pages.operations.track_record.shares import percent
from services.gateway.pages.operations.track_record.view import PATH as RECORD
from services.gateway.pages.words import TIMEFRAMES

PATH = "/ops/comparisons"
STATES = {
    "fresh": "Fresh",
    "stale-age": "Stale by age",
    "stale-engine-version": "Stale by engine version",
    "stale-snapshot": "Stale by snapshot",
    "cold": "Cold",
}
_COUNTED = 10_000  # comparisons, the most requested


@dataclass(frozen=True)
class Cell:
    """The comparisons of one state."""

    state: str
    words: str
    count: int
    path: str  # of the list of these
    current: bool  # whether the page shows that list


@dataclass(frozen=True)
class MapRow:
    """One group of comparisons."""

    name: str
    comparisons: int
    path: str
    current: bool
    cells: tuple[Cell, ...]
    bar: Markup
    warm: str  # percent that are fresh or stale; empty without a comparison
    record: str  # address of the track record of these
    winner: str  # how often the winner was right; empty where nothing was scored
    scored: int  # forecasts


def is_capped(summary: operations_pb2.GetCoverageSummaryResponse) -> bool:
    """Whether there may be more comparisons than were counted."""
    return summary.all.comparisons >= _COUNTED


def coverage_map(
    summary: operations_pb2.GetCoverageSummaryResponse, trust: jobs_pb2.TrustPeriod, given: Mapping[str, str]
) -> list[MapRow]:
    """The rows, those that were requested first. `given` is the filter of the page."""
    scored = {each.timeframe: each.stats for each in trust.timeframes}
    nothing = jobs_pb2.TrustStats()
    rows = [
        _row("Requested in the last 7 days", summary.requested, nothing, {"requested": "true"}, given),
        _row("All", summary.all, trust.overall, {}, given),
    ]
    rows += [
        _row(TIMEFRAMES[each.timeframe], each.count, scored.get(each.timeframe, nothing), {"tf": each.timeframe}, given)
        for each in summary.timeframes
    ]
    return rows


def _row(
    name: str,
    count: operations_pb2.CoverageCount,
    trust: jobs_pb2.TrustStats,
    group: dict[str, str],
    given: Mapping[str, str],
) -> MapRow:
    return MapRow(
        name=name,
        comparisons=count.comparisons,
        path=_address(group),
        current=given == group,
        cells=tuple(
            Cell(
                state,
                words,
                getattr(count, state.replace("-", "_")),
                _address({"state": state, **group}),
                given == {"state": state, **group},
            )
            for state, words in STATES.items()
        ),
        bar=coverage_bar(count.fresh, count.stale, count.cold),
        warm=_warm(count),
        record=f"{RECORD}?{urlencode({'tf': group['tf']})}" if "tf" in group else RECORD,
        winner=percent(trust.winner_right) if trust.HasField("winner_right") else "",
        scored=trust.forecasts,
    )


def _warm(count: operations_pb2.CoverageCount) -> str:
    """The share of comparisons whose forecasts can be served."""
    if not count.comparisons:
        return ""
    share = 100 * (count.fresh + count.stale) / count.comparisons
    return f"{share:.0f} %" if share in (0, 100) else f"{min(max(share, 0.1), 99.9):.1f} %"


def _address(parameters: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(parameters)}" if parameters else PATH
