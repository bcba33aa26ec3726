"""Computes one term's forecast bundle from its series."""

from __future__ import annotations

from services.forecaster.engine.bundle.backtest_metrics import measure
from services.forecaster.engine.bundle.contents import build_bundle
from services.forecaster.engine.bundle.dates import following_periods, period_text
from services.forecaster.engine.bundle.quality import assess_quality
from services.forecaster.engine.bundle.summaries import PATH_STEPS, Path
from services.forecaster.engine.history import History, read_history
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.intervals.prediction_intervals import (
    choose_multipliers,
    forecast_spread,
    make_intervals,
)
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.prediction import Prediction, predict
from services.forecaster.engine.points.seasonality import deseasonalise
from services.forecaster.engine.points.usable_history import UsableHistory, find_usable_history
from services.forecaster.engine.types import EngineSetting, HeadToHeadInput, TermForecast, TermSeries
from services.forecaster.engine.version import ENGINE_VERSION


def forecast_term(series: TermSeries, setting: EngineSetting = EngineSetting.FULL) -> TermForecast:
    """The forecast bundle of one term. Deterministic: the same series gives the same bundle in every process.

    Raises Unforecastable, and nothing else, for a series that cannot be forecast.
    """
    history = read_history(series)
    step, horizon = history.timeframe.step, history.timeframe.horizon
    periodicity = PERIODICITIES[step]
    usable = find_usable_history(history.values, periodicity)
    values = usable.values
    prediction = predict(values, periodicity, horizon, steps=max(horizon, PATH_STEPS.get(step, 0)), setting=setting)
    multipliers = choose_multipliers(step, periodicity, len(values))
    spread = forecast_spread(
        prediction.backtest, values, prediction.path, prediction.disagreement, multipliers, horizon=horizon
    )
    intervals = make_intervals(prediction.path, spread)
    times = following_periods(history.last_time, step, len(intervals.value), anchor_day=history.anchor_day)
    path = Path(times, intervals)
    deseasonalised = deseasonalise(history.values, periodicity)
    quality = assess_quality(series, history.values, deseasonalised, history.timeframe, usable)
    metrics = measure(prediction.backtest, values, multipliers)
    bundle = build_bundle(series, history, usable, prediction.method, path=path, metrics=metrics, quality=quality)
    return TermForecast(
        term=series.term,
        label=series.label,
        engine_version=ENGINE_VERSION,
        bundle=bundle,
        head_to_head_input=_head_to_head_input(series, history, usable, path, prediction),
        season_share=usable.season_share,
    )


def _head_to_head_input(
    series: TermSeries, history: History, usable: UsableHistory, path: Path, prediction: Prediction
) -> HeadToHeadInput:
    horizon, step, backtest = history.timeframe.horizon, history.timeframe.step, prediction.backtest
    window_errors = [float(error) for error in backtest.errors.mean(axis=1)] if backtest.windows else []
    return HeadToHeadInput(
        dates=tuple(period_text(time, step) for time in path.times[:horizon]),
        quantiles=Distribution.of(path.intervals, horizon).as_tuples(),
        window_errors=tuple(
            (usable.start + origin, error) for origin, error in zip(backtest.origins, window_errors, strict=True)
        ),
        last_value=float(history.values[-1]),
        scaled_apart=series.scaled_apart,
    )
