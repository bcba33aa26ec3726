"""Generates synthetic search interest in which something has changed, or recurs: seeded, and the same everywhere.

Values are rounded to whole points within 0 to 100, as Google does. A level is a function of the period alone, so that
the best possible forecast is known to be the level without its noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from benchmarks.forecast.cases import Case
from services.common.comparison import Step, infer_timeframe
from services.forecaster.engine.history import Array
from services.forecaster.engine.periodicity import PERIODICITIES

PER_KIND = 60
SEED = 23
NOISE = (0.5, 4.0)  # points, standard deviation
WEEKS_SINCE = (20, 70)
MONTHS_SINCE = (6, 24)
Draw = np.random.Generator
Shape = tuple[Array, int]  # the level of each period, and the number of known periods


def cases(per_kind: int = PER_KIND, seed: int = SEED) -> list[Case]:
    """`per_kind` cases of each kind; the kind is both set and source."""
    return [
        _case(name, number, np.random.default_rng((seed, place, number)))
        for place, name in enumerate(KINDS)
        for number in range(per_kind)
    ]


def _case(kind: str, number: int, draw: Draw) -> Case:
    step = Step.MONTHLY if kind.startswith("monthly") else Step.WEEKLY
    level, known = KINDS[kind](draw)
    noise = np.exp(draw.uniform(*np.log(NOISE)))
    values = np.clip(np.round(level + noise * draw.standard_normal(len(level))), 0, 100)
    before_launch = level < 1
    values[before_launch] = draw.random(int(before_launch.sum())) < draw.choice([0.0, 0.05])
    season = PERIODICITIES[step].season
    return Case(kind, kind, f"{kind} {number}", step, season, 1, values[:known], values[known:])


def launch(draw: Draw) -> Shape:
    """Zeros, then a level; some with a ramp, a first rush, or a drift."""
    ahead, at, known = _weeks(draw, before=(8, 190))
    level = draw.uniform(20, 85)
    rush = draw.choice([0.0, 0.0, draw.uniform(0.2, 0.8)]) * np.exp(-ahead / draw.uniform(1, 3))
    drift = draw.choice([0.0, 0.0, draw.uniform(-0.1, 0.1)])
    return np.where(ahead >= 0, level * (1 + rush) * _ramp(ahead, draw) + drift * ahead, 0), at + known


def decay(draw: Draw) -> Shape:
    """Zeros, then a peak that decays to a level."""
    ahead, at, known = _weeks(draw, before=(8, 190))
    peak, rest = draw.uniform(70, 100), draw.uniform(3, 30)
    return np.where(ahead >= 0, rest + (peak - rest) * np.exp(-ahead / draw.uniform(4, 25)), 0), at + known


def shift_up(draw: Draw) -> Shape:
    """A level, then a higher one."""
    return _shift(draw, up=True)


def shift_down(draw: Draw) -> Shape:
    """A level, then a lower one."""
    return _shift(draw, up=False)


def monthly_shift(draw: Draw) -> Shape:
    """The same in months, up or down."""
    known = int(draw.integers(*MONTHS_SINCE))
    before = int(draw.integers(15, 100))
    ahead = np.arange(-before, known + 12, dtype=np.float64)
    low, high = _two_levels(draw)
    one, other = (low, high) if draw.random() < 0.6 else (high, low)
    return one + (other - one) * (ahead >= 0), before + known


def trend_break(draw: Draw) -> Shape:
    """A level, then a slope; or a slope, then a level."""
    ahead, at, known = _weeks(draw, before=(52, 190))
    start, slope = draw.uniform(15, 40), draw.uniform(0.15, 0.5) * draw.choice([-1, 1])
    start = start if slope > 0 else 100 - start
    if draw.random() < 0.5:
        return start + slope * np.maximum(ahead, 0), at + known
    return start + slope * np.minimum(ahead, 0) * min(1, 60 / at), at + known


def season(draw: Draw) -> Shape:
    """A year that recurs: smooth, or a peak of some weeks."""
    known = int(draw.integers(156, 261))
    return draw.uniform(30, 60) + _year(draw, known + 26), known


def season_and_shift(draw: Draw) -> Shape:
    """A year that recurs and a level that changes."""
    since, known = int(draw.integers(*WEEKS_SINCE)), int(draw.integers(190, 261))
    step = draw.choice([-1, 1]) * draw.uniform(15, 25)
    start = 50 - step / 2
    return start + 0.5 * _year(draw, known + 26) + step * (np.arange(known + 26) >= known - since), known


def shift_and_back(draw: Draw) -> Shape:
    """A level that changes for some months and returns."""
    ahead, at, known = _weeks(draw, before=(60, 150))
    low, high = _two_levels(draw)
    one, other = (low, high) if draw.random() < 0.5 else (high, low)
    left = -int(draw.integers(12, 50))
    return one + (other - one) * ((ahead >= left) & (ahead < 0)), at + known


def event(draw: Draw) -> Shape:
    """A level with one peak of few weeks."""
    ahead, at, known = _weeks(draw, before=(60, 150))
    level = draw.uniform(10, 40)
    return level + (95 - level) * np.exp(-np.abs(ahead) / draw.uniform(0.5, 2)), at + known


KINDS: Mapping[str, Callable[[Draw], Shape]] = {
    "launch": launch,
    "decay": decay,
    "shift up": shift_up,
    "shift down": shift_down,
    "monthly shift": monthly_shift,
    "trend break": trend_break,
    "season": season,
    "season and shift": season_and_shift,
    "shift and back": shift_and_back,
    "event": event,
}


def _shift(draw: Draw, *, up: bool) -> Shape:
    ahead, at, known = _weeks(draw, before=(20, 190))
    low, high = _two_levels(draw)
    one, other = (low, high) if up else (high, low)
    drift = draw.choice([0.0, 0.0, draw.uniform(-0.1, 0.1)])
    changed = one + (other - one) * _ramp(ahead, draw) + drift * ahead
    return np.where(ahead >= 0, changed, one), at + known


def _two_levels(draw: Draw) -> tuple[float, float]:
    low = float(draw.uniform(4, 45))
    return low, float(draw.uniform(low + 20, 95))


def _weeks(draw: Draw, *, before: tuple[int, int]) -> tuple[Array, int, int]:
    """Weeks relative to the change, the number before it, and the number of known ones since."""
    at, known = int(draw.integers(*before)), int(draw.integers(*WEEKS_SINCE))
    horizon = infer_timeframe(Step.WEEKLY, at + known).horizon
    return np.arange(-at, known + horizon, dtype=np.float64), at, known


def _ramp(ahead: Array, draw: Draw) -> Array:
    """0 before the change and 1 after it, at once or within some weeks."""
    weeks = int(draw.choice([1, 1, 2, 4, 8]))
    return np.clip((ahead + 1) / weeks, 0, 1)


def _year(draw: Draw, count: int) -> Array:
    phase = (np.arange(count) + draw.integers(52)) % 52
    if draw.random() < 0.5:
        return np.asarray(draw.uniform(15, 28) * np.sin(2 * np.pi * phase / 52))
    return np.asarray(draw.uniform(30, 40) * np.exp(-(((phase - 26) / draw.uniform(4, 9)) ** 2)))


def noises(correlation: float, count: int, seed: int = SEED) -> Iterator[Array]:
    """`count` series of 52 to 260 weeks around 50 without any change: noise with this autocorrelation at one step."""
    draw = np.random.default_rng((seed, round(100 * correlation)))
    for _ in range(count):
        shocks = draw.standard_normal(int(draw.choice([52, 104, 156, 260])) + 50)
        noise = np.zeros(len(shocks))
        for index in range(1, len(shocks)):
            noise[index] = correlation * noise[index - 1] + shocks[index]
        spread = draw.uniform(1, 8) * np.sqrt(1 - correlation**2)
        yield np.clip(np.round(50 + spread * noise[50:]), 0, 100)
