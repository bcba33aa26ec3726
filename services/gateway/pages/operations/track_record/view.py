"""What the page of the track record shows: the last year in all, by timeframe, by confidence and by week."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from warmcast.jobs.v1 import operations_pb2

from services.gateway.pages.charts.drawing.svg import Markup
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.operations.calibration import SAID, Held, calibration_chart
from services.gateway.pages.charts.operations.confidence import Came, confidence_chart
from services.gateway.pages.charts.operations.weekly_shares import Shares, weekly_shares_chart
from services.gateway.pages.operations.track_record.shares import Figure, charted, figure, figure_of, percent, percents
from services.gateway.pages.operations.track_record.tables import bin_name
from services.gateway.pages.words import TIMEFRAMES

PATH = "/ops/track-record"
SHARES = {
    "interval80": "In 80 % interval",
    "interval95": "In 95 % interval",
    "winner": "Winner right",
    "direction": "Direction right",
}


@dataclass(frozen=True)
class Row:
    """How forecasts did: of one timeframe, of all, or of one week."""

    id: str
    name: str
    path: str  # to the track record of these alone; empty where the page shows it
    forecasts: int
    figures: tuple[Figure | None, ...]  # of SHARES
    said: str  # mean confidence of directions that had one; empty where none had
    confidence: Figure | None  # how many of these were right
    mae: float | None
    mase: float | None


@dataclass(frozen=True)
class Sizes:
    """A chart for wide and for narrow places."""

    wide: Markup
    narrow: Markup


@dataclass(frozen=True)
class Bin:
    """Directions of a similar confidence."""

    name: str
    said: str  # mean confidence
    came: Figure


@dataclass(frozen=True)
class Confidence:
    """How often directions came true, by their confidence."""

    chart: Sizes
    bins: list[Bin]


@dataclass(frozen=True)
class Weeks:
    """The same over time. Charts need two weeks."""

    intervals: Sizes | None
    right: Sizes | None  # winner and direction
    confidence: Sizes | None  # mean confidence, and how many directions came true
    rows: list[Row]  # newest first


@dataclass(frozen=True)
class TrackRecord:
    """The page."""

    of: str  # which forecasts
    rows: list[Row]  # all of them, then each timeframe with scores, if the page is of several
    promises: list[str]  # sentences on the intervals
    calibration: Sizes | None
    confidence: Confidence | None  # None: no scored forecast has one
    weeks: Weeks


def track_record(record: operations_pb2.GetTrackRecordResponse, given: Mapping[str, str]) -> TrackRecord | None:
    """The record of one filter, `given`; None where nothing was scored."""
    total = record.total
    if not total.forecasts:
        return None
    timeframe = given.get("tf", "")
    rows = [_row("total", TIMEFRAMES.get(timeframe, "All timeframes"), total)]
    accuracies = [total]
    for each in record.by_timeframe if not timeframe else ():
        path = f"{PATH}?{urlencode({**given, 'tf': each.timeframe})}"
        rows.append(_row(each.timeframe, TIMEFRAMES[each.timeframe], each.accuracy, path))
        accuracies.append(each.accuracy)
    held = [
        Held(row.name, charted(of.interval80), charted(of.interval95)) for row, of in zip(rows, accuracies, strict=True)
    ]
    return TrackRecord(
        of=_of(given),
        rows=rows,
        promises=[_promise(said, getattr(total, f"interval{said}")) for said in SAID.values()],
        calibration=_sizes(calibration_chart, held, id_="calibration"),
        confidence=_confidence(total.confidence_bins) if total.confidence_bins else None,
        weeks=_weeks(record.weeks),
    )


def _of(given: Mapping[str, str]) -> str:
    timeframe = TIMEFRAMES[given["tf"]] if "tf" in given else "all timeframes"
    return f"{timeframe}, engine version {given['engine']}" if "engine" in given else timeframe


def _promise(said: int, share: operations_pb2.Share) -> str:
    held, low, high = (round(100 * value) for value in (share.came, share.low, share.high))
    if held == said:
        verdict = "as said"
    elif low <= said <= high:
        verdict = "no clear difference from what was said"
    else:
        verdict = f"{abs(held - said)} {'more' if held > said else 'fewer'} than said"
    return f"Of 100 values, the {said} % interval held {held} ({low} to {high} with the uncertainty): {verdict}."


def _row(id_: str, name: str, of: operations_pb2.Accuracy, path: str = "") -> Row:
    return Row(
        id=id_,
        name=name,
        path=path,
        forecasts=of.forecasts,
        figures=tuple(figure(of, share) for share in SHARES),
        said=percent(of.confidence.said) if of.HasField("confidence") else "",
        confidence=figure(of, "confidence"),
        mae=of.mae if of.HasField("mae") else None,
        mase=of.mase if of.HasField("mase") else None,
    )


def _confidence(bins: Sequence[operations_pb2.ConfidenceShare]) -> Confidence:
    came = [Came(bin_name(of.from_percent), 100 * of.share.said, share) for of in bins if (share := charted(of.share))]
    return Confidence(
        chart=_sizes(confidence_chart, came, id_="confidence"),
        bins=[Bin(bin_name(of.from_percent), percent(of.share.said), figure_of(of.share)) for of in bins],
    )


def _weeks(weeks: Sequence[operations_pb2.TrackRecordWeek]) -> Weeks:
    by_week = {week.week: week.total for week in weeks}
    mondays = _mondays(min(by_week), max(by_week))
    accuracies = [by_week.get(monday, operations_pb2.Accuracy()) for monday in mondays]

    def shares(role: Role, name: str, field: str, said: float | None = None) -> Shares:
        return Shares(role, name, [percents(each, field) for each in accuracies], said)

    def chart(id_: str, title: str, *lines: Shares) -> Sizes | None:
        if len(mondays) < 2 or all(share is None for line in lines for share in line.percents):
            return None
        return _sizes(weekly_shares_chart, lines, mondays, id_=id_, title=title)

    mean = [100 * each.confidence.said if each.HasField("confidence") else None for each in accuracies]
    return Weeks(
        intervals=chart(
            "weekly-intervals",
            "Values held by the intervals, by week",
            *(shares(role, f"{said} % interval", f"interval{said}", said) for role, said in SAID.items()),
        ),
        right=chart(
            "weekly-right",
            "Forecasts with the right winner, and terms with the right direction, by week",
            shares(Role.A, "Direction", "direction"),
            shares(Role.B, "Winner", "winner"),
        ),
        confidence=chart(
            "weekly-confidence",
            "Mean confidence of directions, and how many of them came true, by week",
            shares(Role.A, "Came true", "confidence"),
            Shares(Role.B, "Confidence", mean),
        ),
        rows=[_row(f"week-{week.week}", week.week, week.total) for week in reversed(weeks)],
    )


def _sizes(draw: Callable[..., Markup], *data: object, id_: str, **more: str) -> Sizes:
    return Sizes(draw(*data, id_=id_, **more), draw(*data, id_=f"{id_}-narrow", narrow=True, **more))


def _mondays(first: str, last: str) -> list[str]:
    """All Mondays from the first to the last, as ISO dates."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [str(start + timedelta(weeks=week)) for week in range((end - start).days // 7 + 1)]
