"""Accuracy and coverage of the backtest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals.learned import SpreadMultipliers
from services.forecaster.engine.intervals.prediction_intervals import forecast_spread, make_intervals
from services.forecaster.engine.points.backtest import Backtest

MIN_COVERAGE_WINDOWS = 3  # each window is compared with intervals made from the others


@dataclass(frozen=True)
class Metrics:
    """None means not measured: there is no window, or the divisor is 0."""

    mae: float | None  # points
    mase: float | None  # MAE ÷ mean absolute one-step change of each window's known values
    smape: float | None  # per cent, 0 to 200
    coverage80: float | None  # share of actual values inside the interval, 0 to 1
    coverage95: float | None
    windows: int


def measure(backtest: Backtest, values: Array, multipliers: SpreadMultipliers) -> Metrics:
    """Metrics over all windows and steps."""
    if not backtest.windows:
        return Metrics(None, None, None, None, None, 0)
    absolute = np.abs(backtest.errors)
    usable = backtest.naive_scales > 0
    mase = float(np.mean(absolute[usable].mean(axis=1) / backtest.naive_scales[usable])) if usable.any() else None
    total = np.abs(backtest.actuals) + np.abs(backtest.forecasts)
    smape = 200 * np.divide(absolute, total, out=np.zeros_like(absolute), where=total > 0)
    coverage = _coverage(backtest, values, multipliers)
    return Metrics(
        mae=float(absolute.mean()),
        mase=mase,
        smape=float(smape.mean()),
        coverage80=coverage[80] if coverage else None,
        coverage95=coverage[95] if coverage else None,
        windows=backtest.windows,
    )


def _coverage(backtest: Backtest, values: Array, multipliers: SpreadMultipliers) -> dict[int, float] | None:
    """Coverage of each window by intervals made from the other windows' residuals and the window's known values."""
    if backtest.windows < MIN_COVERAGE_WINDOWS:
        return None
    inside: dict[int, list[float]] = {80: [], 95: []}
    for window, origin in enumerate(backtest.origins):
        forecast, actual = backtest.forecasts[window], backtest.actuals[window]
        spread = forecast_spread(
            backtest.without(window), values[:origin], forecast, backtest.disagreements[window], multipliers
        )
        intervals = make_intervals(forecast, spread)
        inside[80].append(float(np.mean((actual >= intervals.lower80) & (actual <= intervals.upper80))))
        inside[95].append(float(np.mean((actual >= intervals.lower95) & (actual <= intervals.upper95))))
    return {level: float(np.mean(shares)) for level, shares in inside.items()}
