"""Whether plain STL, robust STL or the chosen one of both describes a season better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np

from benchmarks.forecast.exports import ExportedSeries, read_collected, read_exports
from benchmarks.insights.series import noise
from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.insights.term.analysis import choose_components
from services.forecaster.insights.term.decomposition import Components, Method, decompose
from tests.paths import EXPORTS

DRAWS = 40  # of each length, shape and kind
SEED = 24
LENGTHS = ((52, 3), (52, 5), (52, 10), (12, 5), (12, 20), (7, 4), (7, 12), (24, 7))  # period and seasons
SHAPES = ("flat", "wave", "peak")
KINDS = ("nothing else", "1 to 3 events", "a change of the level", "a peak of varying height")
METHODS: dict[str, Callable[[Array, int], Components | None]] = {
    "plain": decompose,
    "robust": lambda values, period: decompose(values, period, Method.ROBUST),
    "chosen": choose_components,
}
TIMEFRAMES_HELD_OUT = {"5y": "5y", "all": "monthly", "3m": "daily"}
HELD_OUT_SEASONS = 3  # of a series
MIN_STRENGTH = 0.3  # by plain or robust STL; weaker ones are no season
_LEAST_ERROR = 0.1  # points


def lines() -> Iterator[str]:
    """Two tables."""
    yield f"| error of the profile, points; {DRAWS} draws of each length and shape | " + " | ".join(KINDS) + " |"
    yield "| --- |" + " ---: |" * len(KINDS)
    errors = {kind: profile_errors(kind) for kind in KINDS}
    for method in METHODS:
        yield f"| {method} | " + " | ".join(f"{errors[kind][method]:.2f}" for kind in KINDS) + " |"
    yield ""
    yield "| exports: error in held-out seasons ÷ that of plain STL | forecasts | robust | chosen |"
    yield "| --- | ---: | ---: | ---: |"
    for timeframe, name in TIMEFRAMES_HELD_OUT.items():
        count, ratios = held_out(timeframe)
        yield f"| {name} | {count} | {ratios['robust']:.3f} | {ratios['chosen']:.3f} |"


def profile_errors(kind: str) -> dict[str, float]:
    """Per method the root mean square error of the profile; the geometric mean over lengths and shapes."""
    logs = defaultdict(list)
    for period, seasons in LENGTHS:
        for shape in SHAPES:
            draw = np.random.default_rng((SEED, period, seasons, len(shape), len(kind)))
            errors = defaultdict(list)
            for _ in range(DRAWS):
                values, profile = _draw(draw, kind, shape, period, seasons)
                for name, method in METHODS.items():
                    found = method(values, period)
                    assert found is not None
                    errors[name].append(float(np.sqrt(np.mean((found.profile - profile) ** 2))))
            for name, each in errors.items():
                logs[name].append(np.log(np.mean(each)))
    return {name: float(np.exp(np.mean(each))) for name, each in logs.items()}


def held_out(timeframe: str) -> tuple[int, dict[str, float]]:
    """The number of held-out seasons, and per method the error relative to plain STL, by source."""
    period = PERIODICITIES[TIMEFRAMES[timeframe].step].season
    beside = read_exports() if (EXPORTS / "INDEX.csv").exists() else iter(())
    series: dict[tuple[float, ...], ExportedSeries] = {
        each.values: each for each in chain(beside, read_collected()) if each.timeframe == timeframe
    }
    logs: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in METHODS}
    count = 0
    for each in series.values():
        for known, actual in _held_out_seasons(np.array(each.values[:-1]), period):
            errors = _errors(known, actual, period)
            count += bool(errors)
            for name, error in errors.items():
                logs[name][each.source].append(np.log(error / errors["plain"]))
    return count, {
        name: float(np.exp(np.mean([np.mean(ratios) for ratios in by_source.values()])))
        for name, by_source in logs.items()
    }


def _draw(draw: np.random.Generator, kind: str, shape: str, period: int, seasons: int) -> tuple[Array, Array]:
    """Values and the true profile: noise of 2 to 6 points and a slow walk around the season."""
    count, phase = period * seasons, np.arange(period)
    profile = {
        "flat": np.zeros(period),
        "wave": np.sin(2 * np.pi * phase / period),
        "peak": np.exp(-(((phase - period // 2) / (period / 13)) ** 2)),
    }[shape] * draw.uniform(10, 20)
    heights = np.ones(seasons)
    if kind == "a peak of varying height":
        profile = 40.0 * (phase == period // 2)
        heights = np.exp(0.4 * draw.standard_normal(seasons))
    values = 40 + np.outer(heights, profile).ravel() + draw.uniform(2, 6) * noise(draw, count)
    values += np.cumsum(0.3 * draw.standard_normal(count))
    if kind == "1 to 3 events":
        for _ in range(draw.integers(1, 4)):
            distance = np.abs(np.arange(count) - draw.integers(count))
            values += draw.uniform(20, 50) * np.exp(-distance / draw.uniform(0.3, 2))
    if kind == "a change of the level":
        values += draw.uniform(15, 40) * (np.arange(count) > draw.integers(period // 2, count - period // 2))
    profile = profile * heights.mean()
    return np.clip(np.round(values), 0, 100), profile - profile.mean()


def _held_out_seasons(values: Array, period: int) -> Iterator[tuple[Array, Array]]:
    """The last seasons, each with what is known before it, at least three seasons."""
    for end in range(len(values), 0, -period)[:HELD_OUT_SEASONS]:
        known, actual = values[: end - period], values[end - period : end]
        if len(known) >= 3 * period and np.ptp(known) and np.ptp(actual):
            yield known, actual


def _errors(known: Array, actual: Array, period: int) -> dict[str, float]:
    """Mean absolute errors with which the profile predicts a season around its own level; empty without a season."""
    found = {name: method(known, period) for name, method in METHODS.items()}
    if all(each is None or each.seasonal_strength < MIN_STRENGTH for each in found.values()):
        return {}
    phases = (len(known) + np.arange(period)) % period
    rest = {name: actual - each.profile[phases] for name, each in found.items() if each}
    return {name: _LEAST_ERROR + float(np.abs(each - np.median(each)).mean()) for name, each in rest.items()}
