"""Which model forecasts this series: the one that its own past speaks for, and naive unless something beats it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.backtest import Backtest, run_backtest
from services.forecaster.engine.history import Array
from services.forecaster.engine.models import Model, ModelFailed, naive

MARGIN = 0.95  # what another model's MAE must be of naive's to be chosen
MIN_WINDOWS = 3  # with fewer, nothing speaks against naive


@dataclass(frozen=True)
class Choice:
    """The chosen model, its backtest, and naive's to compare with."""

    method: str
    model: Model
    backtest: Backtest
    naive_backtest: Backtest


def choose_model(values: Array, season: int, horizon: int, candidates: Mapping[str, Model]) -> Choice:
    """The candidate with the lowest MAE over all windows, if that is clearly below naive's; ties go to the first.

    A candidate that cannot be fitted at the end of the series or in any window is not chosen.
    """
    reference = run_backtest(naive, values, season, horizon)
    best = Choice("naive", naive, reference, reference)
    if reference.windows < MIN_WINDOWS:
        return best
    lowest = MARGIN * _mae(reference)
    for method, model in candidates.items():
        backtest = _try_out(model, values, season, horizon)
        if backtest is not None and _mae(backtest) < lowest:
            lowest = _mae(backtest)
            best = Choice(method, model, backtest, reference)
    return best


def _try_out(model: Model, values: Array, season: int, horizon: int) -> Backtest | None:
    try:
        if not np.isfinite(model(values, season, horizon)).all():
            return None
        backtest = run_backtest(model, values, season, horizon)
    except ModelFailed:
        return None
    return backtest if np.isfinite(backtest.forecasts).all() else None


def _mae(backtest: Backtest) -> float:
    return float(np.abs(backtest.errors).mean())
