"""The candidate models: what is known, in; the next `steps` values, out. Every one is deterministic."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from services.forecaster.engine.history import Array
from services.forecaster.engine.types import EngineSetting

# (values known so far, periods in a season, steps ahead) → point forecasts, one per step, not yet cut to [0, 100].
Model = Callable[[Array, int, int], Array]


class ModelFailed(Exception):
    """The model cannot be fitted to these values."""


def candidates(setting: EngineSetting) -> Mapping[str, Model]:
    """What competes with naive, by the name that the bundle shows."""
    return {"naive": naive}


def naive(known: Array, season: int, steps: int) -> Array:
    """The last value, for ever."""
    return np.full(steps, known[-1])
