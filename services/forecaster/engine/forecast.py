"""One term's forecast, from its series to its bundle."""

from __future__ import annotations

from services.forecaster.engine.backtest import Backtest
from services.forecaster.engine.bundle import make_bundle
from services.forecaster.engine.confidence import mean_sd
from services.forecaster.engine.dates import following_periods, period_text
from services.forecaster.engine.history import History, read_history
from services.forecaster.engine.intervals import error_scales, make_bands
from services.forecaster.engine.metrics import measure
from services.forecaster.engine.models import candidates
from services.forecaster.engine.quality import judge_quality
from services.forecaster.engine.seasonality import find_season
from services.forecaster.engine.selection import choose_model
from services.forecaster.engine.summaries import PATH_STEPS, Path
from services.forecaster.engine.types import EngineSetting, Outlook, TermForecast, TermSeries
from services.forecaster.engine.version import ENGINE_VERSION


def forecast_term(series: TermSeries, setting: EngineSetting = EngineSetting.FULL) -> TermForecast:
    """The forecast bundle of one term, the same for the same series in any process.

    Raises Unforecastable, and nothing else, for a series that no forecast can be made of.
    """
    history = read_history(series)
    values, season, horizon = history.values, history.timeframe.season, history.timeframe.horizon
    steps = max(horizon, PATH_STEPS.get(history.timeframe.step, 0))
    choice = choose_model(values, season, horizon, candidates(setting), steps=steps)
    scales = error_scales(choice.backtest.errors, values, steps)
    bands = make_bands(choice.model(values, season, steps), scales)
    times = following_periods(history.last_time, history.timeframe.step, steps, anchor_day=history.anchor_day)
    path = Path(times, bands, scales)
    quality = judge_quality(series, values, find_season(values, season).remove(values), history.timeframe)
    bundle = make_bundle(series, history, choice, path=path, metrics=measure(choice.backtest, values), quality=quality)
    return TermForecast(
        term=series.term,
        label=series.label,
        engine_version=ENGINE_VERSION,
        bundle=bundle,
        outlook=_outlook(series, history, path, choice.backtest),
    )


def _outlook(series: TermSeries, history: History, path: Path, backtest: Backtest) -> Outlook:
    horizon, step = history.timeframe.horizon, history.timeframe.step
    window_errors = [float(error) for error in backtest.errors.mean(axis=1)] if backtest.windows else []
    return Outlook(
        dates=tuple(period_text(time, step) for time in path.times[:horizon]),
        values=tuple(float(value) for value in path.bands.value[:horizon]),
        horizon_sd=mean_sd(backtest.errors, path.scales[:horizon]),
        window_errors=tuple(zip(backtest.origins, window_errors, strict=True)),
        last_value=float(history.values[-1]),
        scaled_apart=series.scaled_apart,
    )
