"""The candidate models: what is known, in; the next `steps` values, out. Every one is deterministic."""

# ruff: noqa: PLC0415 - statsmodels costs 1.5 CPU seconds to import; the naive setting does without it.

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.seasonality import find_season
from services.forecaster.engine.types import EngineSetting

# (values known so far, periods in a season, steps ahead) → point forecasts, one per step, not yet cut to [0, 100].
Model = Callable[[Array, int, int], Array]
MIN_FITTED = 8  # points that a model with parameters is fitted to


class ModelFailed(Exception):
    """The model cannot be fitted to these values."""


def candidates(setting: EngineSetting) -> Mapping[str, Model]:
    """What competes with naive, by the name that the bundle shows, the simpler first."""
    if setting is EngineSetting.NAIVE:
        return {}
    return {
        "seasonal_naive": seasonal_naive,
        "naive_seasonally_adjusted": naive_seasonally_adjusted,
        "damped_ets": damped_ets,
        "theta": theta,
    }


def naive(known: Array, season: int, steps: int) -> Array:
    """The last value, for ever."""
    return np.full(steps, known[-1])


def seasonal_naive(known: Array, season: int, steps: int) -> Array:
    """The values of one season ago."""
    if len(known) < season:
        raise ModelFailed("less than a season is known")
    return known[len(known) - season + np.arange(steps) % season]


def naive_seasonally_adjusted(known: Array, season: int, steps: int) -> Array:
    """The last value without its season, with the seasons to come: the Naive2 of the M competitions."""
    return _adjusted(known, season, lambda rest: naive(rest, 1, steps))


def damped_ets(known: Array, season: int, steps: int) -> Array:
    """Exponential smoothing with a damped trend, ETS(A,Ad,N), by maximum likelihood on the adjusted values."""
    return _adjusted(known, season, lambda rest: _fitted_ets(rest, steps))


def theta(known: Array, season: int, steps: int) -> Array:
    """The Theta method (Assimakopoulos and Nikolopoulos 2000) on the adjusted values."""
    return _adjusted(known, season, lambda rest: _fitted_theta(rest, steps))


def _adjusted(known: Array, period: int, model: Callable[[Array], Array]) -> Array:
    season = find_season(known, period)
    return season.restore(model(season.remove(known)), len(known))


def _fitted_ets(values: Array, steps: int) -> Array:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    return _fitted(values, lambda: ETSModel(values, trend="add", damped_trend=True).fit(disp=False).forecast(steps))


def _fitted_theta(values: Array, steps: int) -> Array:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    return _fitted(values, lambda: ThetaModel(values, period=1, deseasonalize=False).fit().forecast(steps))


def _fitted(values: Array, fit: Callable[[], object]) -> Array:
    """What the fit forecasts. Raises ModelFailed where it did not converge, or the numbers broke down."""
    if len(values) < MIN_FITTED or np.ptp(values) < 1e-9:
        raise ModelFailed("nothing to fit")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            return np.asarray(fit(), dtype=np.float64)
        except Exception as error:  # whatever a library's fit raises, a warning too, it has not fitted
            raise ModelFailed(type(error).__name__) from None
