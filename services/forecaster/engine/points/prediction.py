"""What comes next, and what would have been said before: one computation for the forecast and its backtest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import Periodicity
from services.forecaster.engine.points.backtest import Backtest, choose_origins
from services.forecaster.engine.points.combination import LEAST_KNOWN, disagreement, members, trust, weighted_median
from services.forecaster.engine.scale import BOUNDED, Scale
from services.forecaster.engine.types import EngineSetting


@dataclass(frozen=True)
class Prediction:
    """Point forecasts, one per step, with the backtest of the method that made them."""

    method: str  # `combination` or `naive`
    path: Array
    disagreement: Array  # of the combination's members at each step, on the scale of intervals
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
    """Forecasts `steps` ahead, with windows of up to `horizon` steps. Too few values leave naive."""
    origins, length = choose_origins(len(values), horizon)
    if setting is EngineSetting.NAIVE or len(values) < LEAST_KNOWN:
        windows = np.reshape([np.full(length, values[origin - 1]) for origin in origins], (len(origins), length))
        backtest = Backtest.of(values, origins, windows, np.zeros_like(windows))
        return Prediction("naive", np.full(steps, values[-1]), np.zeros(steps), backtest)
    logs = scale.to_log(values)
    made = members(logs, periodicity, [*origins, len(values)], max(steps, length), horizon=horizon)
    past = made[:, :-1, :length]
    # No window may weigh members by what came in it, and earlier ones seldom end before it begins: all count alike.
    weight = np.ones(len(made))
    windows = scale.from_log(weighted_median(past, weight))
    backtest = Backtest.of(values, origins, windows, disagreement(past, windows, weight, scale))
    if origins:
        came = np.array([logs[origin : origin + length] for origin in origins])
        weight = trust(np.abs(past - came).mean(axis=(1, 2)))
    path = scale.from_log(weighted_median(made[:, -1, :steps], weight))
    return Prediction("combination", path, disagreement(made[:, -1, :steps], path, weight, scale), backtest)
