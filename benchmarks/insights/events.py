"""How often events are found, how often noise has some, and the noise's quantiles that the threshold follows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.insights.season import CORRELATIONS, DRAWS, NOISES, SEED, season_of
from benchmarks.insights.series import exported, noise
from services.forecaster.engine.history import Array
from services.forecaster.engine.types import TermSeries
from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.term.events import event_threshold, standardised
from services.forecaster.insights.term.peaks import find_peaks

SIZE = 6  # standard deviations of the noise
LEVEL = 40.0  # points
SPREADS = (2.0, 8.0)  # points: the standard deviation of the noise, equally likely on the logarithmic scale
LENGTHS = {"52 weeks": ("12m", 52), "30 days": ("30d", 30)} | NOISES
QUANTILE_DRAWS = 600


def lines() -> Iterator[str]:
    """Two tables."""
    white, correlated = CORRELATIONS
    yield (
        f"| {DRAWS} series | an event of z = {SIZE} found, % (bar: 95) | none claimed, %: white (bar: 95) "
        f"| AR(1) {correlated} |"
    )
    yield "| --- | ---: | ---: | ---: |"
    for name in LENGTHS:
        silent = [100 * (1 - share_claimed(name, correlation)) for correlation in CORRELATIONS]
        yield f"| {name} | {100 * share_found(name):.1f} | {silent[0]:.1f} | {silent[1]:.1f} |"
    yield ""
    yield f"| highest z of {QUANTILE_DRAWS} noise series, 95 % quantile | white | AR(1) {correlated} | threshold |"
    yield "| --- | ---: | ---: | ---: |"
    for name, (_, count) in LENGTHS.items():
        quantiles = [noise_quantile(name, correlation) for correlation in (white, correlated)]
        yield f"| {name} | {quantiles[0]:.2f} | {quantiles[1]:.2f} | {event_threshold(count):.2f} |"


def share_found(name: str, draws: int = DRAWS) -> float:
    """The share of series with one value SIZE standard deviations above their level in which it is an event."""
    timeframe, count = LENGTHS[name]
    draw = np.random.default_rng((SEED, count))
    found = 0
    for _ in range(draws):
        values, spread = _noise(draw, count)
        index = int(draw.integers(count))
        values[index] = LEVEL + SIZE * spread
        series = exported(values, timeframe)
        found += analyse(series).date(index) in _events(series)
    return found / draws


def share_claimed(name: str, correlation: float = 0.0, draws: int = DRAWS) -> float:
    """The share of noise series in which an event is claimed."""
    claimed = [bool(_events(series)) for series in _noises(name, correlation, draws)]
    return float(np.mean(claimed))


def _events(series: TermSeries) -> set[str]:
    """The dates of the events."""
    peaks = find_peaks(analyse(series), season_of(series))
    return {peak.date for peak in peaks if peak.kind == "event"}


def noise_quantile(name: str, correlation: float, draws: int = QUANTILE_DRAWS) -> float:
    """The 95 % quantile of the highest z."""
    noises = _noises(name, correlation, draws)
    highest = [standardised(analyse(series), with_season=False)[1].max() for series in noises]
    return float(np.quantile(highest, 0.95))


def _noises(name: str, correlation: float, draws: int) -> Iterator[TermSeries]:
    timeframe, count = LENGTHS[name]
    draw = np.random.default_rng((SEED, count, round(100 * correlation)))
    for _ in range(draws):
        yield exported(_noise(draw, count, correlation)[0], timeframe)


def _noise(draw: np.random.Generator, count: int, correlation: float = 0.0) -> tuple[Array, float]:
    """Noise around LEVEL, and its standard deviation in points."""
    spread = float(np.exp(draw.uniform(*np.log(SPREADS))))
    return LEVEL + spread * noise(draw, count, correlation), spread
