"""Made-up comparisons: series, bundles and insights, without the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.bundle.dates import following_periods, period_text
from services.forecaster.engine.types import JsonObject, TermSeries
from services.forecaster.insights.interpretations.compared_term import ComparedTerm
from services.forecaster.insights.types import (
    ChangePoint,
    Decomposition,
    Peak,
    Season,
    SeasonExtreme,
    TermInsights,
    YearOverYear,
)
from tests.unit.forecaster.engine.series import times_from

START = datetime(2024, 1, 1, tzinfo=UTC)
NO_INSIGHTS = TermInsights(None, None, (), (), None)


def compared_term(
    term: str,
    values: Iterable[float],
    forecast: float | Sequence[float],
    *,
    label: str = "termA",
    timeframe: str = "12m",
    direction: str = "stable",
    confidence: float = 60.0,
    width: float = 10.0,
    flags: Iterable[str] = (),
    windows: int = 5,
    start: datetime = START,
    partial: bool = False,
    scaled_apart: bool = False,
    insights: TermInsights = NO_INSIGHTS,
) -> ComparedTerm:
    """A term with the forecast `forecast` ± `width` and a backtest error of 3 points."""
    frame = TIMEFRAMES[timeframe]
    known = tuple(float(value) for value in values)
    times = times_from(start, frame.step, len(known))
    path = (
        [float(forecast)] * frame.horizon if isinstance(forecast, int | float) else [float(each) for each in forecast]
    )
    last = times[-1 - partial]
    dates = [period_text(time, frame.step) for time in following_periods(last, frame.step, frame.horizon)]
    bundle: JsonObject = {
        "direction": direction,
        "confidence": confidence,
        "points": [
            {"date": date, "value": value, "lower80": max(0.0, value - width), "upper80": min(100.0, value + width)}
            for date, value in zip(dates, path, strict=True)
        ],
        "metrics": {"mae": 3.0 if windows else None, "windows": windows},
        "qualityFlags": dict.fromkeys(flags, True) | {"scaledApart": scaled_apart},
    }
    series = TermSeries(
        term=term,
        label=label,
        timeframe=timeframe,
        times=times,
        values=known,
        partial_last_period=partial,
        scaled_apart=scaled_apart,
        gaps_filled="gapsFilled" in flags,
    )
    return ComparedTerm(series, bundle, insights)


def head_to_head(a: ComparedTerm, b: ComparedTerm, probabilities: float | Sequence[float]) -> JsonObject:
    """With the probabilities that B is ahead at each date, whose mean is that of the winner."""
    dates = [point["date"] for point in _points(a)]
    chances = [float(probabilities)] * len(dates) if isinstance(probabilities, int | float) else list(probabilities)
    margins = [there["value"] - here["value"] for here, there in zip(_points(a), _points(b), strict=True)]
    current = _last(b) - _last(a)
    crossed = [date for date, chance in zip(dates, chances, strict=True) if current * (chance - 50) < 0]
    return {
        "winnerProbability": sum(chances) / len(chances),
        "expectedMargin": sum(margins) / len(margins),
        "currentMargin": current,
        "leadChangeRisk": "medium",
        "crossoverDate": crossed[0] if crossed else None,
        "margin": [
            {"date": date, "value": margin, "leadProbability": chance}
            for date, margin, chance in zip(dates, margins, chances, strict=True)
        ],
    }


def insights(
    *,
    trend: Sequence[float] | None = None,
    season: Season | None = None,
    peaks: tuple[Peak, ...] = (),
    change_points: tuple[ChangePoint, ...] = (),
    year: tuple[float, float] | None = None,
) -> TermInsights:
    """A term's insights; `year` is its value and its change over a year."""
    decomposition = None
    if trend is not None:
        decomposition = Decomposition("stl", 52, tuple(trend), (0.0,) * 52, "01-01", 0.5, 0.9)
    return TermInsights(decomposition, season, peaks, change_points, YearOverYear(*year) if year else None)


def season(peak: str, peak_effect: float, low: str, low_effect: float) -> Season:
    """A yearly season with a peak and a low at places in words."""
    return Season(SeasonExtreme(peak, "11-18", "12-01", peak_effect), SeasonExtreme(low, "06-10", "06-23", low_effect))


def event(date: str, value: float, effect: float, *, recurring: bool = False) -> Peak:
    """An event of one period."""
    return Peak(date, date, date, value, effect, "event", recurring, 9.0)


def _points(term: ComparedTerm) -> list[dict[str, Any]]:
    points = term.bundle["points"]
    assert isinstance(points, list)
    return points


def _last(term: ComparedTerm) -> float:
    return term.series.values[-1 - term.series.partial_last_period]
