"""One term's forecast, from its series to its bundle."""

from __future__ import annotations

from services.forecaster.engine.bundle.backtest_metrics import measure
from services.forecaster.engine.bundle.contents import make_bundle
from services.forecaster.engine.bundle.dates import following_periods, period_text
from services.forecaster.engine.bundle.quality import judge_quality
from services.forecaster.engine.bundle.summaries import PATH_STEPS, Path
from services.forecaster.engine.history import History, read_history
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.intervals.prediction_intervals import choose_reach, error_spread, make_bands
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.prediction import Prediction, predict
from services.forecaster.engine.points.seasonality import without_season
from services.forecaster.engine.types import EngineSetting, Outlook, TermForecast, TermSeries
from services.forecaster.engine.version import ENGINE_VERSION


def forecast_term(series: TermSeries, setting: EngineSetting = EngineSetting.FULL) -> TermForecast:
    """The forecast bundle of one term, the same for the same series in any process.

    Raises Unforecastable, and nothing else, for a series that no forecast can be made of.
    """
    history = read_history(series)
    step, horizon = history.timeframe.step, history.timeframe.horizon
    periodicity = PERIODICITIES[step]
    values = history.values
    prediction = predict(values, periodicity, horizon, steps=max(horizon, PATH_STEPS.get(step, 0)), setting=setting)
    reach = choose_reach(step, periodicity, len(values))
    spread = error_spread(prediction.backtest, values, prediction.path, prediction.disagreement, reach, horizon=horizon)
    bands = make_bands(prediction.path, spread)
    times = following_periods(history.last_time, step, len(bands.value), anchor_day=history.anchor_day)
    path = Path(times, bands)
    quality = judge_quality(series, values, without_season(values, periodicity), history.timeframe)
    metrics = measure(prediction.backtest, values, reach)
    bundle = make_bundle(series, history, prediction.method, path=path, metrics=metrics, quality=quality)
    return TermForecast(
        term=series.term,
        label=series.label,
        engine_version=ENGINE_VERSION,
        bundle=bundle,
        outlook=_outlook(series, history, path, prediction),
    )


def _outlook(series: TermSeries, history: History, path: Path, prediction: Prediction) -> Outlook:
    horizon, step, backtest = history.timeframe.horizon, history.timeframe.step, prediction.backtest
    window_errors = [float(error) for error in backtest.errors.mean(axis=1)] if backtest.windows else []
    return Outlook(
        dates=tuple(period_text(time, step) for time in path.times[:horizon]),
        quantiles=Distribution.of(path.bands, horizon).as_tuples(),
        window_errors=tuple(zip(backtest.origins, window_errors, strict=True)),
        last_value=float(history.values[-1]),
        scaled_apart=series.scaled_apart,
    )
