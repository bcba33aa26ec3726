"""Computes the point forecast and its backtest in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.backtest import Backtest, choose_origins
from services.forecaster.engine.points.combination import (
    MIN_POINTS_COMBINED,
    disagreement,
    member_weights,
    members,
    weighted_median,
)
from services.forecaster.engine.points.drift import follow_drift
from services.forecaster.engine.scale import BOUNDED, Scale
from services.forecaster.engine.types import EngineSetting


@dataclass(frozen=True)
class Prediction:
    """Point forecasts, one per step, with the backtest of the method that forecasts them."""

    method: str  # `combination` or `naive`
    path: Array
    disagreement: Array  # of the combination's members at each step, on the interval scale
    backtest: Backtest


def predict(
    values: Array,
    periodicity: Periodicity,
    horizon: int,
    *,
    steps: int,
    scale: Scale = BOUNDED,
    setting: EngineSetting = EngineSetting.FULL,
) -> Prediction:
    """Forecasts `steps` ahead, with backtest windows of up to `horizon` steps. A short series gets naive."""
    origins, length = choose_origins(len(values), horizon)
    if setting is EngineSetting.NAIVE or len(values) < MIN_POINTS_COMBINED:
        windows = np.reshape([np.full(length, values[origin - 1]) for origin in origins], (len(origins), length))
        backtest = Backtest.of(values, origins, windows, np.zeros_like(windows))
        return Prediction("naive", np.full(steps, values[-1]), np.zeros(steps), backtest)
    logs = scale.to_log(values)
    forecasts = members(logs, periodicity, [*origins, len(values)], max(steps, length), horizon=horizon)
    past = forecasts[:, :-1, :length]
    # Equal weights: weights from a window's own actual values would leak them, and earlier windows overlap it.
    weight = np.ones(len(forecasts))
    windows = scale.from_log(follow_drift(weighted_median(past, weight), logs, periodicity, origins))
    backtest = Backtest.of(values, origins, windows, disagreement(past, windows, weight, scale))
    if origins:
        actual = np.array([logs[origin : origin + length] for origin in origins])
        weight = member_weights(np.abs(past - actual).mean(axis=(1, 2)))
    combined = weighted_median(forecasts[:, -1:, :steps], weight)
    path = scale.from_log(follow_drift(combined, logs, periodicity, [len(values)])[0])
    return Prediction("combination", path, disagreement(forecasts[:, -1, :steps], path, weight, scale), backtest)
