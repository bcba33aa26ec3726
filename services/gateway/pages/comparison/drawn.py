"""Fills the charts with a comparison's values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import UNSET

from services.common.comparison import TIMEFRAMES, Step
from services.gateway.bodies.fields import period
from services.gateway.bodies.forecasts import ForecastPoint, HeadToHead
from services.gateway.bodies.insights import Decomposition, Peak, TermInsights
from services.gateway.pages.charts import inputs
from services.gateway.pages.charts.drawing.times import long_ended, month_name
from services.gateway.pages.charts.margin import Margin
from services.gateway.pages.charts.season import Place, Profile
from services.gateway.pages.charts.words import points_words, signed_words, when, when_short
from services.gateway.pages.comparison.facts import Facts
from services.gateway.pages.comparison.forecasts import DecodedForecasts

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NOW, DATA_END = "now", "end of the data"  # what the line between the past and the future is called
_LEAST_PERIODS = 2  # of a chart of the margin
_COMMON_YEAR = 2023  # of the month-days of a profile


def comparison(facts: Facts, decoded: DecodedForecasts | None, divider: str) -> inputs.Comparison:
    """The main chart."""
    snapshot = facts.series.comparison
    timeframe = TIMEFRAMES[snapshot.timeframe]
    return inputs.Comparison(
        dates_of(facts),
        timeframe.step,
        timeframe.horizon,
        _term(facts, decoded, 0),
        _term(facts, decoded, 1),
        partial_last_period=facts.series.partial_last_period,
        divider=divider,
    )


def data_ended(facts: Facts, now: float) -> bool:
    """Whether the series ended too long before `now`, in seconds since 1970, to call its end “now”."""
    step = TIMEFRAMES[facts.series.comparison.timeframe].step
    return long_ended(facts.series.points[-1].time.seconds, step, now)


def dates_of(facts: Facts) -> list[str]:
    """The dates of the series, as the contract writes them."""
    return [period(point.time, facts.series.comparison.timeframe) for point in facts.series.points]


def margin(facts: Facts, head_to_head: HeadToHead | None, divider: str) -> Margin | None:
    """The margin over time; None for terms that are scaled apart, and for bundles of older engines."""
    if head_to_head is None or head_to_head.margin is UNSET or len(head_to_head.margin) < _LEAST_PERIODS:
        return None
    complete = facts.series.points[: len(facts.series.points) - facts.series.partial_last_period]
    snapshot = facts.series.comparison
    return Margin(
        snapshot.terms[0],
        snapshot.terms[1],
        TIMEFRAMES[snapshot.timeframe].step,
        [
            inputs.MarginPoint(
                point.date,
                point.value,
                point.lower80,
                point.upper80,
                point.lower95,
                point.upper95,
                point.lead_probability,
            )
            for point in head_to_head.margin
        ],
        dates_of(facts)[: len(complete)],
        [point.value_b - point.value_a for point in complete],
        divider=divider,
    )


def seasons(facts: Facts, decoded: DecodedForecasts) -> tuple[list[Profile], list[Place]]:
    """The profiles of the terms whose season was found, and their places; empty without one."""
    found = [
        (role, name, insights.decomposition)
        for role, name, insights in zip(inputs.Role, facts.series.comparison.terms, decoded.insights, strict=True)
        if insights is not None and insights.season is not None and insights.decomposition is not None
    ]
    if not found:
        return [], []
    step = TIMEFRAMES[facts.series.comparison.timeframe].step
    return [Profile(role, name, each.profile) for role, name, each in found], places(found[0][2], step)


def places(decomposition: Decomposition, step: Step) -> list[Place]:
    """The places of a profile in the season, from its first one."""
    start, count = decomposition.profile_start, decomposition.period
    if step is Step.WEEKLY:
        month, day = (int(part) for part in start.split("-"))
        first = date(_COMMON_YEAR, month, day)
        days = [first + timedelta(weeks=week) for week in range(count)]
        return [Place(f"{each.day} {month_name(each.month)}", month_name(each.month, short=True)) for each in days]
    names: Sequence[str] = {
        Step.HOURLY: [f"{hour:02}:00" for hour in range(24)],
        Step.DAILY: _WEEKDAYS,
        Step.MONTHLY: [month_name(month) for month in range(1, 13)],
    }[step]
    first_index = names.index(start)
    ordered = [names[(first_index + index) % len(names)] for index in range(count)]
    return [Place(name, name if step is Step.HOURLY else name[:3]) for name in ordered]


def _term(facts: Facts, decoded: DecodedForecasts | None, index: int) -> inputs.Term:
    name, points = facts.series.comparison.terms[index], facts.series.points
    values = [point.value_b if index else point.value_a for point in points]
    if decoded is None:
        return inputs.Term(name, values)
    step = TIMEFRAMES[facts.series.comparison.timeframe].step
    forecast = [_forecast_point(point) for point in decoded.bundles[index].points]
    return inputs.Term(name, values, forecast, _marks(decoded.insights[index], step))


def _forecast_point(point: ForecastPoint) -> inputs.ForecastPoint:
    return inputs.ForecastPoint(point.date, point.value, point.lower80, point.upper80, point.lower95, point.upper95)


def _marks(insights: TermInsights | None, step: Step) -> list[inputs.Mark]:
    if insights is None:
        return []
    events = sorted(
        (peak for peak in insights.peaks if peak.kind == "event"), key=lambda peak: peak.z or 0, reverse=True
    )
    changes = [
        inputs.Mark(
            change.date,
            change.after,
            inputs.MarkKind.CHANGE,
            f"level {points_words(change.before)} → {points_words(change.after)}",
            f"The level changed from {points_words(change.before)} to {points_words(change.after)} points "
            f"{when(change.date, step)}.",
        )
        for change in insights.change_points
    ]
    return [_peak_mark(peak, step) for peak in events] + changes


def _peak_mark(peak: Peak, step: Step) -> inputs.Mark:
    return inputs.Mark(
        peak.date,
        peak.value,
        inputs.MarkKind.PEAK,
        f"{when_short(peak.date, step)}, {signed_words(peak.effect)}",
        f"{points_words(peak.value)} points {when(peak.date, step)}, {signed_words(peak.effect)} against what was "
        "usual then.",
    )
