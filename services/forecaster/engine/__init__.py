"""The engine: pure functions, a series in, a forecast bundle out. It reads no clock and no environment.

Importing this package, `version` or `types` does not load numpy; `term`, and a call of `forecast`, do.
"""

# ruff: noqa: PLC0415 - whoever names the engine's types must not wait for numpy.

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.forecaster.engine.adapter import Ladder


def forecast(
    values: Sequence[float],
    timestamps: Sequence[object],
    freq: str,
    h: int,
    *,
    bounded: bool | None = None,
) -> Ladder:
    """The engine alone, for any series: `{mean, lo80, hi80, lo95, hi95}`, each an array of `h` numbers.

    `values` are finite and in order, one per timestamp; `freq` is hourly, daily, weekly or monthly, or one of pandas'
    names for these. Unless `bounded` says so, the forecast stays within 0 to 100 where all values do. Raises ValueError
    that names what is wrong.
    """
    from services.forecaster.engine.adapter import forecast_values

    return forecast_values(values, timestamps, freq, h, bounded=bounded)
