"""The engine and its installed peers, each as a function from a case to a forecast."""

# ruff: noqa: PLC0415 - peers are imported when used, because most environments have none.

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from benchmarks.forecast.cases import Case
from benchmarks.forecast.naive2 import naive2
from benchmarks.forecast.scores import Z95, Forecast
from services.common.comparison import Step
from services.forecaster.engine import forecast
from services.forecaster.engine.history import Array

Method = Callable[[Case], Forecast]
PANDAS = {Step.HOURLY: "h", Step.DAILY: "D", Step.WEEKLY: "W", Step.MONTHLY: "MS"}
Z80 = 1.281552
# Seasonal ARIMA with a season of 52 takes minutes a series, so weekly series are fitted without a season.
LONGEST_ARIMA_SEASON = 24


def methods() -> Mapping[str, Method]:
    """Methods by display name, the engine first."""
    found: dict[str, Method] = {"warmcast": ours, "Naive2": naive}
    if importlib.util.find_spec("statsforecast"):
        for name in ("AutoETS", "DynamicOptimizedTheta", "MSTL", "AutoCES"):
            found[name] = partial(_statsforecast, name)
        found["SCUM"] = _scum
    if importlib.util.find_spec("prophet"):
        found["statsmodels ETS"], found["statsmodels Theta"], found["Prophet"] = _ets, _theta, _prophet
    return found


def ours(case: Case) -> Forecast:
    """The engine, through its adapter."""
    computed = forecast(
        case.known.tolist(), range(len(case.known)), PANDAS[case.step], case.horizon, bounded=case.bounded
    )
    return Forecast(computed["mean"], computed["lo80"], computed["hi80"], computed["lo95"], computed["hi95"])


def naive(case: Case) -> Forecast:
    """Naive2, the reference."""
    point, sd = naive2(case.known, case.season, case.horizon, bounded=case.bounded)
    return _clipped(case, point, point - Z80 * sd, point + Z80 * sd, point - Z95 * sd, point + Z95 * sd)


def _statsforecast(name: str, case: Case, season: int | None = None) -> Forecast:
    from statsforecast import models  # type: ignore[import-not-found] # in an environment of its own

    model = getattr(models, name)(season_length=season or _season(case))
    computed = model.forecast(y=np.ascontiguousarray(case.known), h=case.horizon, level=[80, 95])
    return _clipped(case, *(computed[key] for key in ("mean", "lo-80", "hi-80", "lo-95", "hi-95")))


def _scum(case: Case) -> Forecast:
    """The median of AutoARIMA, AutoCES, AutoETS and DynamicOptimizedTheta (Petropoulos and Svetunkov 2020)."""
    season = _season(case)
    computed = [
        _statsforecast("AutoARIMA", case, season if season <= LONGEST_ARIMA_SEASON else 1),
        *(_statsforecast(name, case) for name in ("AutoCES", "AutoETS", "DynamicOptimizedTheta")),
    ]
    columns = ("mean", "lo80", "hi80", "lo95", "hi95")
    return Forecast(*(np.median([getattr(one, column) for one in computed], axis=0) for column in columns))


def _ets(case: Case) -> Forecast:
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    season = _season(case)
    seasonal: dict[str, Any] = {"seasonal": "add", "seasonal_periods": season} if season > 1 else {}
    fitted = ETSModel(pd.Series(case.known), trend="add", damped_trend=True, **seasonal).fit(disp=False)
    computed = fitted.get_prediction(start=len(case.known), end=len(case.known) + case.horizon - 1)
    (lo80, hi80), (lo95, hi95) = (np.asarray(computed.pred_int(alpha=alpha)).T for alpha in (0.2, 0.05))
    return _clipped(case, np.asarray(computed.predicted_mean), lo80, hi80, lo95, hi95)


def _theta(case: Case) -> Forecast:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    season = _season(case)
    fitted = ThetaModel(case.known, period=season, deseasonalize=season > 1).fit()
    (lo80, hi80), (lo95, hi95) = (
        np.asarray(fitted.prediction_intervals(case.horizon, alpha=alpha)).T for alpha in (0.2, 0.05)
    )
    return _clipped(case, np.asarray(fitted.forecast(case.horizon)), lo80, hi80, lo95, hi95)


def _prophet(case: Case) -> Forecast:
    import pandas as pd
    from prophet import Prophet  # type: ignore[import-not-found] # as above

    for name in ("prophet", "cmdstanpy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    times = pd.date_range("2015-01-01", periods=len(case.known) + case.horizon, freq=PANDAS[case.step])
    frame = pd.DataFrame({"ds": times[: len(case.known)], "y": case.known})
    ends = {}
    for width in (0.8, 0.95):
        np.random.seed(0)
        computed = Prophet(interval_width=width).fit(frame).predict(pd.DataFrame({"ds": times[len(case.known) :]}))
        ends[width] = computed
    columns = [(0.8, "yhat"), (0.8, "yhat_lower"), (0.8, "yhat_upper"), (0.95, "yhat_lower"), (0.95, "yhat_upper")]
    return _clipped(case, *(ends[width][column].to_numpy() for width, column in columns))


def or_naive(method: Method, case: Case) -> tuple[Forecast, bool]:
    """The method's forecast and False; if it fails or returns a non-number, Naive2's and True."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            computed = method(case)
        except Exception:  # any error of a library counts as a failure
            return naive(case), True
    if all(
        np.isfinite(column).all()
        for column in (computed.mean, computed.lo80, computed.hi80, computed.lo95, computed.hi95)
    ):
        return computed, False
    return naive(case), True


def _season(case: Case) -> int:
    """The season passed to a peer: none if fewer than two are known, which most reject."""
    return case.season if len(case.known) >= 2 * case.season + 2 else 1


def _clipped(case: Case, *columns: Array) -> Forecast:
    # Clipped to the valid range, as values shown to users are.
    return Forecast(*(np.clip(column, 0, 100) if case.bounded else column for column in columns))
