"""Builds the contract's forecast bundle, without generatedAt and dataFreshness, which the service adds."""

from __future__ import annotations

from functools import partial

from services.forecaster.engine.bundle.backtest_metrics import Metrics
from services.forecaster.engine.bundle.confidence import confidence, warnings_for
from services.forecaster.engine.bundle.dates import period_text
from services.forecaster.engine.bundle.direction import direction_of
from services.forecaster.engine.bundle.quality import Quality
from services.forecaster.engine.bundle.rounding import forecast_hash, rounded, rounded_or_none
from services.forecaster.engine.bundle.summaries import Path, summarise
from services.forecaster.engine.history import History
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.points.usable_history import UsableHistory
from services.forecaster.engine.types import JsonObject, TermSeries
from services.forecaster.engine.version import ENGINE_VERSION


def build_bundle(
    series: TermSeries,
    history: History,
    usable: UsableHistory,
    method: str,
    *,
    path: Path,
    metrics: Metrics,
    quality: Quality,
) -> JsonObject:
    """The bundle as a JSON object; floats have four decimals."""
    horizon = history.timeframe.horizon
    direction = direction_of(history.values, path.intervals.value[:horizon])
    confidence_in = partial(_confidence_in, history=history, path=path, season_share=usable.season_share)
    warn = partial(_warn, quality=quality, windows=metrics.windows, volatile=direction == "volatile")
    points = _points(history, path)
    confidence_value = confidence_in(horizon)
    return {
        "term": series.term,
        "label": series.label,
        "direction": direction,
        "frequency": history.timeframe.step.value,
        "horizon": horizon,
        "knownSince": _known_since(history, usable),
        "points": points,
        "forecast14Day": summarise(history, path, 14, confidence_in=confidence_in, warn=warn),
        "forecast30Day": summarise(history, path, 30, confidence_in=confidence_in, warn=warn),
        "method": method,
        "metrics": {
            "mae": rounded_or_none(metrics.mae),
            "mase": rounded_or_none(metrics.mase),
            "smape": rounded_or_none(metrics.smape),
            "coverage80": rounded_or_none(metrics.coverage80),
            "coverage95": rounded_or_none(metrics.coverage95),
            "windows": metrics.windows,
        },
        "confidence": rounded(confidence_value),
        "qualityFlags": quality.flags,
        "warnings": warn(confidence_value, True),
        "forecastHash": forecast_hash(
            {
                "engineVersion": ENGINE_VERSION,
                "method": method,
                "points": points,
                "term": series.term,
                "timeframe": series.timeframe,
            }
        ),
        "engineVersion": ENGINE_VERSION,
    }


def _points(history: History, path: Path) -> list[object]:
    intervals, step = path.intervals, history.timeframe.step
    return [
        {
            "date": period_text(path.times[index], step),
            "value": rounded(intervals.value[index]),
            "lower80": rounded(intervals.lower80[index]),
            "upper80": rounded(intervals.upper80[index]),
            "lower95": rounded(intervals.lower95[index]),
            "upper95": rounded(intervals.upper95[index]),
        }
        for index in range(history.timeframe.horizon)
    ]


def _known_since(history: History, usable: UsableHistory) -> str | None:
    return period_text(history.times[usable.known_since], history.timeframe.step) if usable.known_since else None


def _confidence_in(steps: int, *, history: History, path: Path, season_share: float) -> float:
    distribution = Distribution.of(path.intervals, steps)
    return confidence(history.values, path.intervals.value[:steps], distribution, season_share)


def _warn(confidence_value: float, complete: bool, *, quality: Quality, windows: int, volatile: bool) -> list[object]:
    return warnings_for(quality, confidence_value, windows=windows, volatile=volatile, complete=complete)
