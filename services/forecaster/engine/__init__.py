"""The forecast engine: pure functions from a series to a forecast bundle. It reads no clock and no environment.

Importing this package, `version` or `types` does not load numpy; importing `term` or calling `forecast` does.
"""

# ruff: noqa: PLC0415 - importing the engine's types must not load numpy.

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.forecaster.engine.adapter import QuantileForecast


def forecast(
    values: Sequence[float],
    timestamps: Sequence[object],
    freq: str,
    h: int,
    *,
    bounded: bool | None = None,
) -> QuantileForecast:
    """Forecasts any series `h` steps ahead, without a bundle: `{mean, lo80, hi80, lo95, hi95}`, each of shape (h,).

    `values` are finite and in order, one per timestamp. `freq` is hourly, daily, weekly or monthly, or pandas' name for
    one of these. Without `bounded`, the forecast stays within 0 to 100 if all values do. Raises ValueError that names
    the invalid argument.
    """
    from services.forecaster.engine.adapter import forecast_values

    return forecast_values(values, timestamps, freq, h, bounded=bounded)
