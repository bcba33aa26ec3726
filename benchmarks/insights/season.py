"""How often a season is found where there is one, and where there is only noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.insights.series import exported, noise
from services.forecaster.engine.history import Array, read_history
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.usable_history import find_usable_history
from services.forecaster.engine.types import TermSeries
from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.term.season.season import find_season
from services.forecaster.insights.types import Season

DRAWS = 200
SEED = 24
NOISES = {"104 weeks": ("5y", 104), "156 weeks": ("5y", 156), "260 weeks": ("5y", 260)} | {
    "240 months": ("all", 240),
    "90 days": ("3m", 90),
    "168 hours": ("7d", 168),
}
CORRELATIONS = (0.0, 0.5)
SHAPES = ("wave", "peak")
WEEKS = 260
_SPREAD = 10.0  # points: the standard deviation of the noise


def lines() -> Iterator[str]:
    """Two tables."""
    yield f"| 260 weeks with a season, signal-to-noise 1, {DRAWS} draws | found, % (bar: 95) |"
    yield "| --- | ---: |"
    for shape in SHAPES:
        yield f"| {shape} | {100 * share_found(shape):.1f} |"
    yield ""
    yield f"| {DRAWS} series of noise | none claimed, %: white (bar: 95) | AR(1) {CORRELATIONS[1]} |"
    yield "| --- | ---: | ---: |"
    for name in NOISES:
        silent = [100 * (1 - share_claimed(name, correlation)) for correlation in CORRELATIONS]
        yield f"| {name} | {silent[0]:.1f} | {silent[1]:.1f} |"


def share_found(shape: str, draws: int = DRAWS) -> float:
    """The share of seasonal series in which the season is found."""
    draw = np.random.default_rng((SEED, len(shape)))
    return float(np.mean([season_of(_seasonal(draw, shape)) is not None for _ in range(draws)]))


def share_claimed(name: str, correlation: float = 0.0, draws: int = DRAWS) -> float:
    """The share of noise series in which a season is claimed."""
    timeframe, count = NOISES[name]
    draw = np.random.default_rng((SEED, count, round(100 * correlation)))
    series = (exported(50 + _SPREAD * noise(draw, count, correlation), timeframe) for _ in range(draws))
    return float(np.mean([season_of(each) is not None for each in series]))


def season_of(series: TermSeries) -> Season | None:
    """The season that the insights name, with the engine's own acceptance."""
    history = read_history(series)
    usable = find_usable_history(history.values, PERIODICITIES[history.timeframe.step])
    return find_season(analyse(series), usable.season_share)


def _seasonal(draw: np.random.Generator, shape: str) -> TermSeries:
    """A season with the variance of the noise, at a random phase."""
    season = _shape(shape, (np.arange(WEEKS) + draw.integers(52)) % 52)
    season = _SPREAD * (season - season.mean()) / season.std()
    return exported(45 + season + _SPREAD * noise(draw, WEEKS), "5y")


def _shape(shape: str, phase: NDArray[np.int64]) -> Array:
    """A sine, or a peak of some weeks."""
    if shape == "wave":
        return np.asarray(np.sin(2 * np.pi * phase / 52))
    return np.asarray(np.exp(-(((phase - 26) / 4) ** 2)))
