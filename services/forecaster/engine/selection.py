"""Which model forecasts this series: the one that its own past speaks for, and naive unless something beats it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from services.forecaster.engine.backtest import Backtest, run_backtest
from services.forecaster.engine.history import Array
from services.forecaster.engine.models import Model, ModelFailed, naive

MARGIN = 0.95  # what MAE another model may have at most, as a share of naive's, to be chosen
SINGLE_MARGIN = 0.8  # what MAE a single model may have at most, as a share of the combination's: few windows flatter it
COMBINATION = "combination"
MIN_WINDOWS = 3  # with fewer, nothing speaks against naive


@dataclass(frozen=True)
class Choice:
    """The chosen model, its backtest, and naive's to compare with."""

    method: str
    model: Model
    backtest: Backtest
    naive_backtest: Backtest


def choose_model(values: Array, season: int, horizon: int, candidates: Mapping[str, Model], *, steps: int) -> Choice:
    """The model with the lowest MAE over all windows, under rules that keep few windows from deciding much.

    The candidates' `combination` (their median at each step) stands for them, unless one alone did clearly better;
    and either must have done clearly better than naive. Ties go to the first. A candidate that cannot be fitted at the
    end of the series, for `steps` steps, or in any window is left out.
    """
    reference = run_backtest(naive, values, season, horizon)
    fallback = Choice("naive", naive, reference, reference)
    if reference.windows < MIN_WINDOWS:
        return fallback
    tried = {
        method: backtest
        for method, model in candidates.items()
        if (backtest := _try_out(model, values, season, horizon, steps=steps)) is not None
    }
    if not tried:
        return fallback
    method = min(tried, key=lambda name: _mae(tried[name]))
    chosen = Choice(method, candidates[method], tried[method], reference)
    if len(tried) > 1:
        middle = np.median([backtest.forecasts for backtest in tried.values()], axis=0)
        combined = replace(reference, forecasts=middle)
        if _mae(chosen.backtest) > SINGLE_MARGIN * _mae(combined):
            chosen = Choice(COMBINATION, _median_of([candidates[name] for name in tried]), combined, reference)
    return chosen if _mae(chosen.backtest) < MARGIN * _mae(reference) else fallback


def _try_out(model: Model, values: Array, season: int, horizon: int, *, steps: int) -> Backtest | None:
    try:
        if not np.isfinite(model(values, season, steps)).all():
            return None
        backtest = run_backtest(model, values, season, horizon)
    except ModelFailed:
        return None
    return backtest if np.isfinite(backtest.forecasts).all() else None


def _median_of(models: list[Model]) -> Model:
    def combination(known: Array, season: int, steps: int) -> Array:
        return np.asarray(np.median([np.clip(model(known, season, steps), 0, 100) for model in models], axis=0))

    return combination


def _mae(backtest: Backtest) -> float:
    return float(np.abs(backtest.errors).mean())
