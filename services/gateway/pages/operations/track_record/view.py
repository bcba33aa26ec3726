"""What the page of the track record shows: in all, by timeframe, and by week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.gateway.pages.charts.drawing.svg import Markup
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.operations.calibration import SAID, Held, calibration_chart
from services.gateway.pages.charts.operations.confidence import Came, confidence_chart
from services.gateway.pages.charts.operations.weekly_shares import Shares, weekly_shares_chart
from services.gateway.pages.operations.track_record.shares import figure, percent, percents
from services.gateway.pages.words import TIMEFRAMES

_ALL = "all-timeframes"


@dataclass(frozen=True)
class Record:
    """How forecasts did: of one timeframe, of all, or of one week. Texts are empty where nothing was scored."""

    id: str
    name: str
    forecasts: int
    points: int
    held80: str
    held95: str
    winner: str
    direction: str
    mae: float | None
    mase: float | None


@dataclass(frozen=True)
class Sizes:
    """A chart for wide and for narrow places."""

    wide: Markup
    narrow: Markup


@dataclass(frozen=True)
class Weeks:
    """One timeframe over time. Charts need two weeks."""

    id: str
    name: str
    intervals: Sizes | None
    right: Sizes | None  # winner and direction
    weeks: list[Record]  # newest first


@dataclass(frozen=True)
class Bin:
    """Directions of a similar confidence."""

    name: str
    said: str  # mean confidence
    came: str  # share of right ones
    directions: int


@dataclass(frozen=True)
class Confidence:
    """How often directions came true, by their confidence."""

    chart: Sizes
    bins: list[Bin]


@dataclass(frozen=True)
class TrackRecord:
    """The page. `rows` begins with all timeframes, then those with scores."""

    rows: list[Record]
    promises: list[str]  # sentences on the intervals
    calibration: Sizes | None
    confidence: Confidence | None  # None: no scored forecast has one
    timeframes: list[Weeks]


def track_record(
    trust: jobs_pb2.GetTrustStatsResponse, weekly: operations_pb2.GetTrackRecordResponse
) -> TrackRecord | None:
    """None where nothing was scored."""
    overall = trust.total.overall
    if not overall.forecasts:
        return None
    scored = [each for each in trust.total.timeframes if each.stats.forecasts]
    named = [(_ALL, "All timeframes", overall)]
    named += [(each.timeframe, TIMEFRAMES[each.timeframe], each.stats) for each in scored]
    held = [
        Held(name, percents(stats, "coverage80"), percents(stats, "coverage95"))
        for _, name, stats in named
        if stats.points
    ]
    return TrackRecord(
        rows=[_record(id_, name, stats) for id_, name, stats in named],
        promises=[_promise(SAID[role], share) for role, share in held[0].by_role().items() if share is not None]
        if held
        else [],
        calibration=Sizes(
            calibration_chart(held, id_="calibration"), calibration_chart(held, id_="calibration-narrow", narrow=True)
        )
        if held
        else None,
        confidence=_confidence(weekly.confidence) if weekly.confidence else None,
        timeframes=_timeframes(weekly),
    )


HEADER = (
    *("week", "timeframe", "forecasts", "values", "held by 80 % interval", "held by 95 % interval"),
    *("winner right", "direction right", "mae", "mase"),
)


def cells(weekly: operations_pb2.GetTrackRecordResponse) -> list[list[object]]:
    """The weeks for a spreadsheet, under HEADER; shares are from 0 to 1."""
    shares = ("coverage80", "coverage95", "winner_right", "direction_right", "mae", "mase")
    return [
        [
            *(week.week, each.timeframe, each.stats.forecasts, each.stats.points),
            *(None if (value := figure(each.stats, name)) is None else round(value, 4) for name in shares),
        ]
        for week in weekly.weeks
        for each in week.timeframes
    ]


CONFIDENCE_HEADER = ("confidence", "said", "came true", "directions")


def confidence_cells(weekly: operations_pb2.GetTrackRecordResponse) -> list[list[object]]:
    """The bins of confidence for a spreadsheet, under CONFIDENCE_HEADER; shares are from 0 to 1."""
    return [
        [_bin_name(each.from_percent), round(each.said, 4), round(each.came, 4), each.directions]
        for each in weekly.confidence
    ]


def _confidence(bins: Sequence[operations_pb2.ConfidenceBin]) -> Confidence:
    came = [Came(_bin_name(each.from_percent), 100 * each.said, 100 * each.came) for each in bins]
    return Confidence(
        chart=Sizes(
            confidence_chart(came, id_="confidence"), confidence_chart(came, id_="confidence-narrow", narrow=True)
        ),
        bins=[
            Bin(_bin_name(each.from_percent), percent(each.said), percent(each.came), each.directions) for each in bins
        ],
    )


def _bin_name(start: int) -> str:
    return f"{start} to {start + 10} %" if start else "Below 50 %"


def _promise(said: int, held: float) -> str:
    difference = round(held) - said
    verdict = "as said" if not difference else f"{abs(difference)} {'more' if difference > 0 else 'fewer'} than said"
    return f"Of 100 values, the {said} % interval held {round(held)}: {verdict}."


def _record(id_: str, name: str, stats: jobs_pb2.TrustStats) -> Record:
    held80, held95, winner, direction = (
        "" if (share := figure(stats, field)) is None else percent(share)
        for field in ("coverage80", "coverage95", "winner_right", "direction_right")
    )
    return Record(
        id_,
        name,
        stats.forecasts,
        stats.points,
        held80,
        held95,
        winner,
        direction,
        mae=figure(stats, "mae"),
        mase=figure(stats, "mase"),
    )


def _timeframes(weekly: operations_pb2.GetTrackRecordResponse) -> list[Weeks]:
    found: dict[str, dict[str, jobs_pb2.TrustStats]] = {name: {} for name in TIMEFRAMES}
    for week in weekly.weeks:
        for each in week.timeframes:
            found[each.timeframe][week.week] = each.stats
    return [_weeks(name, by_week) for name, by_week in found.items() if by_week]


def _weeks(timeframe: str, by_week: dict[str, jobs_pb2.TrustStats]) -> Weeks:
    mondays = _mondays(min(by_week), max(by_week))
    stats = [by_week.get(monday, jobs_pb2.TrustStats()) for monday in mondays]

    def shares(role: Role, name: str, field: str, said: float | None = None) -> Shares:
        return Shares(role, name, [percents(each, field) for each in stats], said)

    words = TIMEFRAMES[timeframe]
    return Weeks(
        timeframe,
        words,
        intervals=_chart(
            f"intervals-{timeframe}",
            f"Values held by the intervals, by week: {words}",
            [shares(role, f"{said} % interval", f"coverage{said}", said) for role, said in SAID.items()],
            mondays,
        ),
        right=_chart(
            f"right-{timeframe}",
            f"Forecasts with the right winner, and terms with the right direction, by week: {words}",
            [shares(Role.A, "Direction", "direction_right"), shares(Role.B, "Winner", "winner_right")],
            mondays,
        ),
        weeks=[_record(f"{timeframe}-{week}", week, stats) for week, stats in sorted(by_week.items(), reverse=True)],
    )


def _chart(id_: str, title: str, shares: Sequence[Shares], mondays: Sequence[str]) -> Sizes | None:
    if len(mondays) < 2:
        return None
    return Sizes(
        weekly_shares_chart(shares, mondays, id_=id_, title=title),
        weekly_shares_chart(shares, mondays, id_=f"{id_}-narrow", title=title, narrow=True),
    )


def _mondays(first: str, last: str) -> list[str]:
    """All Mondays from the first to the last, as ISO dates."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [str(start + timedelta(weeks=week)) for week in range((end - start).days // 7 + 1)]
