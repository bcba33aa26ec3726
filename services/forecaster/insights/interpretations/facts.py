"""The numbers that the rules read: series, bundles and head-to-head as typed values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from services.common.comparison import TIMEFRAMES, Step
from services.forecaster.engine.bundle.dates import period_text
from services.forecaster.engine.bundle.quality import SHORT_HORIZONS
from services.forecaster.engine.types import JsonObject
from services.forecaster.insights.interpretations.compared_term import ComparedTerm
from services.forecaster.insights.interpretations.finding import tenth
from services.forecaster.insights.interpretations.wording import quoted
from services.forecaster.insights.types import TermInsights, Together


@dataclass(frozen=True)
class Forecast:
    """A bundle's numbers; values in points, one per date of the horizon."""

    direction: str
    confidence: float  # 0 to 100
    dates: tuple[str, ...]
    values: tuple[float, ...]
    lower80: tuple[float, ...]
    upper80: tuple[float, ...]
    mean_error: float | None  # mean absolute error of the backtest, in points
    windows: int  # of the backtest
    flags: frozenset[str]  # the quality flags that are true


@dataclass(frozen=True)
class Margin:
    """B − A at one date of the horizon."""

    date: str
    value: float  # points
    lead_probability: float  # 0 to 100, that B is ahead


@dataclass(frozen=True)
class HeadToHead:
    """The contract's head-to-head, B seen from A."""

    winner_probability: float  # 0 to 100, that B is ahead on average over the horizon
    expected_margin: float  # points
    crossover_date: str | None
    margins: tuple[Margin, ...]  # one per date of the horizon


@dataclass(frozen=True)
class TermFacts:
    """One term."""

    label: str  # termA or termB
    name: str  # the term in quotes
    dates: tuple[str, ...]  # of the complete periods, as the bundle writes them
    values: tuple[float, ...]  # one per date, in points
    partial_date: str | None  # of a partial last period
    forecast: Forecast
    insights: TermInsights

    @property
    def last(self) -> float:
        """The value of the last complete period."""
        return self.values[-1]

    @property
    def is_short(self) -> bool:
        """Whether the history is short, as the bundle's seriesTooShort says."""
        return len(self.values) < SHORT_HORIZONS * len(self.forecast.values)

    @property
    def forecast_mean(self) -> float:
        """The mean forecast over the horizon, in points."""
        return mean(self.forecast.values)

    @property
    def recent_mean(self) -> float:
        """The mean of as many last values as are forecast, in points."""
        return mean(self.values[-len(self.forecast.values) :])


@dataclass(frozen=True)
class Facts:
    """A comparison."""

    a: TermFacts
    b: TermFacts
    step: Step
    season: int  # steps of a season
    scaled_apart: bool
    together: Together | None
    head_to_head: HeadToHead | None  # None for terms that are scaled apart

    @property
    def last_date(self) -> str:
        """The last complete period."""
        return self.a.dates[-1]

    @property
    def horizon(self) -> int:
        """Steps that are forecast."""
        return len(self.a.forecast.values)

    @property
    def current_leader(self) -> TermFacts | None:
        """The term that is ahead in the last complete period, by values as evidence gives them.

        None in a tie and where levels cannot be compared.
        """
        if self.scaled_apart or tenth(self.b.last) == tenth(self.a.last):
            return None
        return self.b if self.b.last > self.a.last else self.a

    def other(self, term: TermFacts) -> TermFacts:
        """The other term."""
        return self.b if term.label == self.a.label else self.a

    def periods_ahead(self, term: TermFacts) -> int:
        """In how many of the known periods the term was ahead."""
        pairs = zip(term.values, self.other(term).values, strict=True)
        return sum(tenth(value) > tenth(beside) for value, beside in pairs)


def mean(values: Sequence[float]) -> float:
    """The mean of one or more values."""
    return sum(values) / len(values)


def read_facts(a: ComparedTerm, b: ComparedTerm, together: Together | None, head_to_head: JsonObject | None) -> Facts:
    """The facts of a comparison of two terms over the same periods."""
    timeframe = TIMEFRAMES[a.series.timeframe]
    apart = a.series.scaled_apart or b.series.scaled_apart
    return Facts(
        a=_term(a, timeframe.step),
        b=_term(b, timeframe.step),
        step=timeframe.step,
        season=timeframe.season,
        scaled_apart=apart,
        together=together,
        head_to_head=None if apart or head_to_head is None else _head_to_head(head_to_head),
    )


def _term(term: ComparedTerm, step: Step) -> TermFacts:
    series = term.series
    dates = tuple(period_text(time, step) for time in series.times)
    complete = len(dates) - series.partial_last_period
    return TermFacts(
        label=series.label,
        name=quoted(series.term),
        dates=dates[:complete],
        values=series.values[:complete],
        partial_date=dates[-1] if series.partial_last_period else None,
        forecast=_forecast(term.bundle),
        insights=term.insights,
    )


def _forecast(bundle: JsonObject) -> Forecast:
    numbers = cast(dict[str, Any], bundle)  # its shape is the contract's
    points = numbers["points"]
    return Forecast(
        direction=numbers["direction"],
        confidence=numbers["confidence"],
        dates=tuple(point["date"] for point in points),
        values=tuple(point["value"] for point in points),
        lower80=tuple(point["lower80"] for point in points),
        upper80=tuple(point["upper80"] for point in points),
        mean_error=numbers["metrics"]["mae"],
        windows=numbers["metrics"]["windows"],
        flags=frozenset(flag for flag, holds in numbers["qualityFlags"].items() if holds),
    )


def _head_to_head(head_to_head: JsonObject) -> HeadToHead:
    numbers = cast(dict[str, Any], head_to_head)  # its shape is the contract's
    return HeadToHead(
        winner_probability=numbers["winnerProbability"],
        expected_margin=numbers["expectedMargin"],
        crossover_date=numbers["crossoverDate"],
        margins=tuple(Margin(point["date"], point["value"], point["leadProbability"]) for point in numbers["margin"]),
    )
