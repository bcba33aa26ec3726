"""The contract's forecast bundle, but for when it was made and how fresh its data are: the service adds those."""

from __future__ import annotations

from functools import partial

from services.forecaster.engine.bundle.backtest_metrics import Metrics
from services.forecaster.engine.bundle.confidence import confidence, warnings_of
from services.forecaster.engine.bundle.dates import period_text
from services.forecaster.engine.bundle.direction import direction_of
from services.forecaster.engine.bundle.quality import Quality
from services.forecaster.engine.bundle.rounding import forecast_hash, rounded, rounded_or_none
from services.forecaster.engine.bundle.summaries import Path, summarise
from services.forecaster.engine.history import History
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.types import JsonObject, TermSeries
from services.forecaster.engine.version import ENGINE_VERSION


def make_bundle(
    series: TermSeries, history: History, method: str, *, path: Path, metrics: Metrics, quality: Quality
) -> JsonObject:
    """Every field is computed from its arguments; floats have four decimals."""
    horizon = history.timeframe.horizon
    direction = direction_of(history.values, path.bands.value[:horizon])
    sure_of = partial(_sure_of, history=history, path=path)
    warn = partial(_warn, quality=quality, windows=metrics.windows, volatile=direction == "volatile")
    points = _points(history, path)
    sure = sure_of(horizon)
    return {
        "term": series.term,
        "label": series.label,
        "direction": direction,
        "frequency": history.timeframe.step.value,
        "horizon": horizon,
        "points": points,
        "forecast14Day": summarise(history, path, 14, sure_of=sure_of, warn=warn),
        "forecast30Day": summarise(history, path, 30, sure_of=sure_of, warn=warn),
        "method": method,
        "metrics": {
            "mae": rounded_or_none(metrics.mae),
            "mase": rounded_or_none(metrics.mase),
            "smape": rounded_or_none(metrics.smape),
            "coverage80": rounded_or_none(metrics.coverage80),
            "coverage95": rounded_or_none(metrics.coverage95),
            "windows": metrics.windows,
        },
        "confidence": rounded(sure),
        "qualityFlags": quality.flags,
        "warnings": warn(sure, True),
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
    bands, step = path.bands, history.timeframe.step
    return [
        {
            "date": period_text(path.times[index], step),
            "value": rounded(bands.value[index]),
            "lower80": rounded(bands.lower80[index]),
            "upper80": rounded(bands.upper80[index]),
            "lower95": rounded(bands.lower95[index]),
            "upper95": rounded(bands.upper95[index]),
        }
        for index in range(history.timeframe.horizon)
    ]


def _sure_of(steps: int, *, history: History, path: Path) -> float:
    return confidence(history.values, path.bands.value[:steps], Distribution.of(path.bands, steps))


def _warn(sure: float, complete: bool, *, quality: Quality, windows: int, volatile: bool) -> list[object]:
    return warnings_of(quality, sure, windows=windows, volatile=volatile, complete=complete)
