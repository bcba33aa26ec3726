"""The engine for any series, without a bundle. The benchmarks use it for data that are not search interest."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from services.common.comparison import TIMEFRAMES, Step
from services.forecaster.engine.history import MAX_FITTED, Array
from services.forecaster.engine.intervals.prediction_intervals import (
    choose_multipliers,
    forecast_spread,
    make_intervals,
)
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.prediction import predict
from services.forecaster.engine.points.usable_history import find_usable_history
from services.forecaster.engine.scale import BOUNDED, Scale

MAX_STEPS = 1000
MAX_ABSOLUTE = 1e100  # sums and squares of larger values overflow
# pandas frequency names, without an anchor such as -SUN.
STEPS = {"h": Step.HOURLY, "d": Step.DAILY, "w": Step.WEEKLY, "m": Step.MONTHLY, "ms": Step.MONTHLY, "me": Step.MONTHLY}


class QuantileForecast(TypedDict):
    """Point forecasts and both intervals, one entry per step."""

    mean: Array
    lo80: Array
    hi80: Array
    lo95: Array
    hi95: Array


def forecast_values(
    values: Sequence[float], timestamps: Sequence[object], freq: str, h: int, *, bounded: bool | None = None
) -> QuantileForecast:
    """See services.forecaster.engine.forecast."""
    step = _step(freq)
    known = _checked(values, len(timestamps))
    steps = _steps(h)
    inside = bool((known >= 0).all() and (known <= 100).all())
    if bounded and not inside:
        raise ValueError("a bounded forecast needs values within 0 to 100")
    scale = BOUNDED if bounded or (bounded is None and inside) else Scale.unbounded(known)
    periodicity = PERIODICITIES[step]
    known = find_usable_history(known[-MAX_FITTED:], periodicity, scale).values
    longest = max(timeframe.horizon for timeframe in TIMEFRAMES.values() if timeframe.step is step)
    horizon = min(steps, longest)
    prediction = predict(known, periodicity, horizon, steps=steps, scale=scale)
    multipliers = choose_multipliers(step, periodicity, len(known), scale)
    spread = forecast_spread(
        prediction.backtest, known, prediction.path, prediction.disagreement, multipliers, horizon=horizon, scale=scale
    )
    intervals = make_intervals(prediction.path, spread)
    return QuantileForecast(
        mean=intervals.value,
        lo80=intervals.lower80,
        hi80=intervals.upper80,
        lo95=intervals.lower95,
        hi95=intervals.upper95,
    )


def _steps(h: object) -> int:
    try:
        steps = operator.index(h)  # type: ignore[arg-type] # the caller's type is unknown
    except TypeError:
        raise ValueError(f"h is {h!r:.20}; it is a whole number") from None
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"h is {steps}; it must be from 1 to {MAX_STEPS}")
    return steps


def _step(freq: str) -> Step:
    name = str(freq).strip().lower()
    step = STEPS.get(name.partition("-")[0]) or next((step for step in Step if step == name), None)
    if step is None:
        raise ValueError(f"unknown frequency “{freq!s:.20}”; one of {', '.join(Step)}, or h, D, W, MS")
    return step


def _checked(values: Sequence[float], times: int) -> Array:
    known = np.asarray(values, dtype=np.float64)
    if known.ndim != 1 or not known.size:
        raise ValueError("values must be one row of at least one number")
    if len(known) != times:
        raise ValueError(f"{len(known)} values, but {times} timestamps")
    [broken] = np.nonzero(~np.isfinite(known))
    if broken.size:
        raise ValueError(f"value {broken[0]} is not a finite number")
    [large] = np.nonzero(np.abs(known) > MAX_ABSOLUTE)
    if large.size:
        raise ValueError(f"value {large[0]} is beyond {MAX_ABSOLUTE:g}")
    return known
