"""What the templates of a comparison's page show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from services.common.comparison import TIMEFRAMES as STEPS
from services.common.comparison import Step
from services.gateway.bodies.forecasts import ForecastPoint
from services.gateway.bodies.insights import Interpretation
from services.gateway.pages.charts import inputs
from services.gateway.pages.charts.comparison.chart import comparison_chart, term_chart
from services.gateway.pages.charts.comparison.layout import MEDIUM, NARROW, NARROW_ALL, WIDE, leaves_out_the_past
from services.gateway.pages.charts.drawing.svg import Markup
from services.gateway.pages.charts.drawing.times import epoch_seconds, period_words
from services.gateway.pages.charts.margin import margin_chart
from services.gateway.pages.charts.probability_dots import probability_dots
from services.gateway.pages.charts.season import season_chart
from services.gateway.pages.charts.words import points_words
from services.gateway.pages.comparison import certainty, drawn, verdict
from services.gateway.pages.comparison.facts import Facts
from services.gateway.pages.comparison.forecasts import DecodedForecasts, decode
from services.gateway.pages.comparison.state import Progress, progress
from services.gateway.pages.comparison.values import values_json
from services.gateway.pages.links import Links
from services.gateway.pages.words import TIMEFRAMES, UNITS, Named, geo_name, names_of

_MAX_ROWS = 300
_FULL = "100"  # the end of the scale
_LAYOUTS = {"wide": WIDE, "medium": MEDIUM, "narrow": NARROW}


@dataclass(frozen=True)
class Chart:
    """One chart in the sizes that a page offers, by the size's name."""

    sizes: dict[str, Markup]


@dataclass(frozen=True)
class Forecast:
    """Everything on the page that comes from the forecasts."""

    made_at: datetime
    future: verdict.Future | None  # None for terms that are scaled apart
    dots: Markup | None
    dots_in_two_rows: Markup | None
    directions: tuple[verdict.Direction, verdict.Direction]
    margin: Chart | None
    season: Chart | None
    interpretations: list[tuple[Interpretation, str]]  # with its evidence in words
    backtests: list[certainty.Backtest]
    cautions: list[certainty.Caution]
    method: str
    engine: str
    rows: list[tuple[str, ForecastPoint, ForecastPoint]]  # by period


@dataclass(frozen=True)
class View:
    """One comparison."""

    names: tuple[Named, Named]
    title: str
    timeframe: str
    geo: str
    unit: str
    scale: str  # what the points of the charts mean
    scaled_apart: bool
    progress: Progress
    version: int
    now: verdict.Now
    data_until: str
    data_ended: bool  # so long ago that “now” would be wrong
    divider: str  # of the charts, between the past and the future
    forecast: Forecast | None
    charts: list[Chart]  # two for terms that are scaled apart
    values: Markup  # of the charts, for the crosshair
    track_record: str
    rows: list[tuple[str, str, str]]  # newest first
    all_rows: int
    links: Links


def build_view(facts: Facts, *, data_ended: bool) -> View:
    """The view of one comparison."""
    divider = drawn.DATA_END if data_ended else drawn.NOW
    snapshot, series = facts.series.comparison, facts.series
    step = STEPS[snapshot.timeframe].step
    names = names_of((snapshot.terms[0], snapshot.terms[1]))
    current = verdict.now(names, (series.signals_a.last_value, series.signals_b.last_value))
    decoded = decode(facts.answer.forecasts)
    dates = drawn.dates_of(facts)
    drawing = drawn.comparison(facts, decoded, divider)
    rows = [
        (_period(day, step), points_words(point.value_a), points_words(point.value_b))
        for day, point in zip(dates[::-1][:_MAX_ROWS], series.points[::-1][:_MAX_ROWS], strict=True)
    ]
    return View(
        names=names,
        title=f"{names[0].name} vs {names[1].name}",
        timeframe=TIMEFRAMES[snapshot.timeframe],
        geo=geo_name(snapshot.geo),
        unit=UNITS[step],
        scale=_scale(facts),
        scaled_apart=series.scaled_apart,
        progress=progress(facts),
        version=facts.answer.version,
        now=current,
        data_until=_period(dates[-1], step),
        data_ended=data_ended,
        divider=divider,
        forecast=None if decoded is None else _forecast(facts, decoded, names, current, divider),
        charts=_charts(drawing, scaled_apart=series.scaled_apart),
        values=values_json(drawing),
        track_record=certainty.track_record(facts.trust),
        rows=rows,
        all_rows=len(dates),
        links=Links.of(facts.key),
    )


def _forecast(
    facts: Facts, decoded: DecodedForecasts, names: tuple[Named, Named], current: verdict.Now, divider: str
) -> Forecast:
    snapshot, bundles = facts.series.comparison, decoded.bundles
    step = STEPS[snapshot.timeframe].step
    head_to_head = decoded.head_to_head
    dots = [
        probability_dots(names[0].name, names[1].name, head_to_head.winner_probability, rows=rows)
        if head_to_head
        else None
        for rows in (1, 2)
    ]
    tests = [certainty.backtest(name, bundle.metrics) for name, bundle in zip(names, bundles, strict=True)]
    return Forecast(
        made_at=decoded.generated_at.astimezone(UTC),
        future=verdict.future(names, head_to_head, snapshot.timeframe, current) if head_to_head else None,
        dots=dots[0],
        dots_in_two_rows=dots[1],
        directions=(verdict.direction(names[0], bundles[0]), verdict.direction(names[1], bundles[1])),
        margin=_margin(facts, decoded, divider),
        season=_season(facts, decoded),
        interpretations=[(each, _evidence(each)) for each in decoded.interpretations],
        backtests=[test for test in tests if test is not None],
        cautions=certainty.cautions(names, bundles),
        method=bundles[0].method,
        engine=bundles[0].engine_version,
        rows=[(_period(a.date, step), a, b) for a, b in zip(bundles[0].points, bundles[1].points, strict=False)],
    )


def _charts(comparison: inputs.Comparison, *, scaled_apart: bool) -> list[Chart]:
    layouts = _LAYOUTS | ({"all": NARROW_ALL} if leaves_out_the_past(comparison) else {})
    if not scaled_apart:
        return [
            Chart(
                {
                    name: comparison_chart(comparison, id_=f"chart-{name}", layout=layout)
                    for name, layout in layouts.items()
                }
            )
        ]
    return [
        Chart(
            {
                name: term_chart(comparison, role, id_=f"chart-{role}-{name}", layout=layout)
                for name, layout in layouts.items()
            }
        )
        for role in inputs.Role
    ]


def _margin(facts: Facts, decoded: DecodedForecasts, divider: str) -> Chart | None:
    margin = drawn.margin(facts, decoded.head_to_head, divider)
    if margin is None:
        return None
    sizes = {"medium": False, "narrow": True}
    return Chart({name: margin_chart(margin, id_=f"margin-{name}", narrow=narrow) for name, narrow in sizes.items()})


def _season(facts: Facts, decoded: DecodedForecasts) -> Chart | None:
    profiles, places = drawn.seasons(facts, decoded)
    if not profiles:
        return None
    sizes = {"medium": False, "narrow": True}
    return Chart(
        {name: season_chart(profiles, places, id_=f"season-{name}", narrow=narrow) for name, narrow in sizes.items()}
    )


def _scale(facts: Facts) -> str:
    """What the points mean. 100 is the highest one of an export, which may lie outside of these two terms."""
    series = facts.series
    highest = [max(point.value_a for point in series.points), max(point.value_b for point in series.points)]
    if series.scaled_apart:
        whole = points_words(min(highest)) == _FULL
        return "100 is the highest point of each term." if whole else "Each term has a scale of its own, from 0 to 100."
    shown = points_words(max(highest))
    if shown == _FULL:
        return "100 is the highest point of either term."
    return f"On a scale from 0 to 100. The highest point of either term is {shown}."


def _period(day: str, step: Step) -> str:
    return period_words(epoch_seconds(day), step)


def _evidence(interpretation: Interpretation) -> str:
    """The numbers behind a sentence: `winner probability 78, expected margin 3.2`."""
    shown = [
        f"{_spaced(name)} {value:g}" if isinstance(value, int | float) else f"{_spaced(name)} {value}"
        for name, value in interpretation.evidence.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    ]
    return ", ".join(shown)


def _spaced(name: str) -> str:
    return "".join(f" {character.lower()}" if character.isupper() else character for character in name)
