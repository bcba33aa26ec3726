"""How often a lead is found where there is one, and claimed where two terms move independently.

Also how often the interval of the correlation contains the true one. Exports are those of collected.csv: two windows of
different repositories, one of them rotated, so that no dates correspond.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

import numpy as np

from benchmarks.forecast.exports import read_collected
from benchmarks.insights.season import season_of
from benchmarks.insights.series import exported, noise
from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.history import Array
from services.forecaster.engine.types import TermSeries
from services.forecaster.insights.term.analysis import analyse
from services.forecaster.insights.together.comparison import compare
from services.forecaster.insights.types import Together

DRAWS = 400
SEED = 24
LEAD = 2  # steps
LENGTHS = {"52 weeks": ("12m", 52), "104 weeks": ("5y", 104), "260 weeks": ("5y", 260)} | {
    "90 days": ("3m", 90),
    "168 hours": ("7d", 168),
    "200 months": ("all", 200),
}
STRENGTHS = (0.5, 0.6, 0.7)  # correlations of the changes
COMMON = 0.6  # the correlation of simultaneous changes
MIN_REPOSITORIES = 10  # of exports; fewer hold too few unrelated series

Draw = np.random.Generator
Pair = tuple[Array, Array]
DrawPair = Callable[[Draw, str], Pair]


def lines() -> Iterator[str]:
    """Three tables."""
    yield from _header(f"lead of {LEAD} steps: found, % (bar: 90)", (f"r = {strength}" for strength in STRENGTHS))
    for name in LENGTHS:
        yield _row(name, (share_found(name, strength) for strength in STRENGTHS))
    independent = {name: {kind: compared(name, kind) for kind in INDEPENDENT} for name in LENGTHS}
    yield ""
    yield from _header("independent changes: no lead claimed, % (bar: 98)", INDEPENDENT)
    for name, kinds in independent.items():
        yield _row(name, (share_unclaimed(pairs) for pairs in kinds.values()))
    yield ""
    yield from _header("95 % interval contains the correlation, %", (*INDEPENDENT, *SIMULTANEOUS))
    for name, kinds in independent.items():
        common = (coverage(_compared(name, drawn, DRAWS), COMMON) for drawn in SIMULTANEOUS.values())
        yield _row(name, (*(coverage(pairs) for pairs in kinds.values()), *common))


def compared(name: str, kind: str, draws: int = DRAWS) -> list[Together]:
    """Independent pairs of one length and kind; none where there are too few exports."""
    if kind == EXPORTS and len(_repositories(name)) < MIN_REPOSITORIES:
        return []
    return _compared(name, INDEPENDENT[kind], draws)


def share_found(name: str, strength: float, draws: int = DRAWS) -> float:
    """The share of pairs with a lead in which just this lead is found."""
    pairs = _compared(name, lambda draw, of: _leading(draw, of, strength), draws)
    return float(np.mean([pair.lead_lag is not None and pair.lead_lag.steps == LEAD for pair in pairs]))


def share_unclaimed(pairs: Sequence[Together]) -> float | None:
    """The share of pairs in which no lead is claimed; None without pairs."""
    return float(np.mean([pair.lead_lag is None for pair in pairs])) if pairs else None


def coverage(pairs: Sequence[Together], true: float = 0.0) -> float | None:
    """The share of intervals that contain the true correlation; None without pairs."""
    found = [pair.correlation for pair in pairs if pair.correlation is not None]
    return float(np.mean([each.lower95 <= true <= each.upper95 for each in found])) if found else None


def _compared(name: str, drawn: DrawPair, draws: int) -> list[Together]:
    timeframe, count = LENGTHS[name]
    draw = np.random.default_rng((SEED, count))
    return [_compare(*(exported(values, timeframe) for values in drawn(draw, name))) for _ in range(draws)]


def _compare(a: TermSeries, b: TermSeries) -> Together:
    together = compare(analyse(a), analyse(b), season_of(a), season_of(b))
    assert together is not None
    return together


def _leading(draw: Draw, name: str, strength: float) -> Pair:
    """Changes of A precede those of B by LEAD steps, with this correlation."""
    changes = noise(draw, _changes(name) + LEAD)
    own = np.sqrt(1 - strength**2) * noise(draw, _changes(name))
    return _levels(changes[LEAD:]), _levels(strength * changes[:-LEAD] + own)


def _white(draw: Draw, name: str) -> Pair:
    return _levels(noise(draw, _changes(name))), _levels(noise(draw, _changes(name)))


def _autocorrelated(draw: Draw, name: str) -> Pair:
    return _levels(noise(draw, _changes(name), 0.5)), _levels(noise(draw, _changes(name), 0.5))


def _noise_levels(draw: Draw, name: str) -> Pair:
    """Values, not changes, are white noise."""
    count = LENGTHS[name][1]
    return 50 + 15 * noise(draw, count), 50 + 15 * noise(draw, count)


def _simultaneous(draw: Draw, name: str) -> Pair:
    common, first, second = (noise(draw, _changes(name), 0.5) for _ in range(3))
    shared, own = np.sqrt(COMMON) * common, np.sqrt(1 - COMMON)
    return _levels(shared + own * first), _levels(shared + own * second)


def one_seasonal(draw: Draw, name: str) -> Pair:
    """White changes with the correlation COMMON; one term has a season as well."""
    common, first, second = (noise(draw, _changes(name)) for _ in range(3))
    a, b = (
        np.concatenate(([0.0], np.cumsum(np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * own)))
        for own in (first, second)
    )
    period = TIMEFRAMES[LENGTHS[name][0]].season
    season = np.sin(2 * np.pi * (np.arange(len(a)) + draw.integers(period)) / period)
    return _levels(np.diff(a + 2 * a.std() * season)), _levels(np.diff(b))


def _exports(draw: Draw, name: str) -> Pair:
    repositories = _repositories(name)
    a, b = draw.choice(len(repositories), 2, replace=False)
    count = LENGTHS[name][1]
    rotation = draw.integers(count // 4, 3 * count // 4)
    return _window(draw, repositories[a], count), np.roll(_window(draw, repositories[b], count), rotation)


def _window(draw: Draw, series: Sequence[Array], count: int) -> Array:
    values = series[draw.integers(len(series))]
    start = draw.integers(len(values) - count + 1)
    return values[start : start + count]


@cache
def _repositories(name: str) -> list[list[Array]]:
    """Series of the step and of at least the length, by repository."""
    timeframe, count = LENGTHS[name]
    found: dict[str, list[Array]] = defaultdict(list)
    for series in read_collected():
        if TIMEFRAMES[series.timeframe].step is TIMEFRAMES[timeframe].step and len(series.values) >= count:
            found[series.source].append(np.array(series.values))
    return list(found.values())


def _changes(name: str) -> int:
    return LENGTHS[name][1] - 1


def _levels(changes: Array) -> Array:
    """The series with these changes, from 5 to 95 points."""
    values = np.cumsum(np.concatenate(([0.0], changes)))
    return np.asarray(5 + 90 * (values - values.min()) / np.ptp(values))


EXPORTS = "exports"
INDEPENDENT: dict[str, DrawPair] = {
    "white changes": _white,
    "changes AR(1) 0.5": _autocorrelated,
    "white values": _noise_levels,
    EXPORTS: _exports,
}
SIMULTANEOUS: dict[str, DrawPair] = {
    f"r = {COMMON}, changes AR(1) 0.5": _simultaneous,
    f"r = {COMMON}, one with a season": one_seasonal,
}


def _header(title: str, columns: Iterable[str]) -> tuple[str, str]:
    names = tuple(columns)
    return f"| {title}; {DRAWS} draws | {' | '.join(names)} |", "| --- |" + " ---: |" * len(names)


def _row(name: str, shares: Iterable[float | None]) -> str:
    return f"| {name} | {' | '.join('–' if share is None else f'{100 * share:.1f}' for share in shares)} |"
