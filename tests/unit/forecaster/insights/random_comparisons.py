"""Random comparisons: any insights beside any series; bundle and head-to-head agree with the series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

import numpy as np

from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.bundle.direction import direction_of
from services.forecaster.insights.interpretations.compared_term import ComparedTerm
from services.forecaster.insights.term.decomposition import MIN_SEASONS
from services.forecaster.insights.types import (
    ChangePoint,
    Correlation,
    LeadChange,
    LeadLag,
    Peak,
    TermInsights,
    Together,
)
from tests.unit.forecaster.engine.series import times_from
from tests.unit.forecaster.insights.compared import START, compared_term, head_to_head, insights, season
from tests.unit.forecaster.insights.comparisons import Compared

LONGEST = 160  # periods
TERMS = ("amazon", "is", "<script>", 'the "best" \'90s', "كوستكو", "コストコ", "x" * 99, "100 of 100")
T = TypeVar("T")


def random_comparison(seed: int) -> Compared:
    """A comparison that follows from the seed alone."""
    random = Random(seed)
    timeframe = random.choice(sorted(TIMEFRAMES))
    periods = random.choice((4, random.randint(5, LONGEST)))
    apart, partial = random.random() < 0.2, random.random() < 0.3
    a, b = (_term(random, label, timeframe, periods, apart=apart, partial=partial) for label in ("termA", "termB"))
    together = None if apart else _maybe(random, lambda: _together(random, a))
    horizon = TIMEFRAMES[timeframe].horizon
    steady = random.random() < 0.4
    chances = [_chance(random)] * horizon if steady else [_chance(random) for _ in range(horizon)]
    return a, b, together, None if apart else head_to_head(a, b, chances)


def _term(random: Random, label: str, timeframe: str, periods: int, *, apart: bool, partial: bool) -> ComparedTerm:
    values = _series(random, periods)
    known = np.array(values[: periods - partial])
    forecast = _series(random, TIMEFRAMES[timeframe].horizon)
    return compared_term(
        f"{random.choice(TERMS)}{label[-1]}",
        values,
        forecast,
        label=label,
        timeframe=timeframe,
        direction=direction_of(known, np.array(forecast)),
        confidence=random.uniform(5, 88),
        flags=[
            *(["mostlyZero"] if np.mean(known < 1) >= 0.5 else []),
            *(["gapsFilled"] if random.random() < 0.1 else []),
        ],
        windows=random.randint(0, 10),
        partial=partial,
        scaled_apart=apart,
        # A constant series has no insights.
        insights=_insights(random, values, timeframe) if np.ptp(known) > 0 else insights(),
    )


def _series(random: Random, periods: int) -> list[float]:
    """Up to four levels, each for a while, with up to four single values between."""
    levels = [_level(random) for _ in range(random.randint(1, 4))]
    values = [levels[index * len(levels) // periods] for index in range(periods)]
    for _ in range(random.randint(0, 4)):
        values[random.randrange(periods)] = _level(random)
    return values


def _insights(random: Random, values: Sequence[float], timeframe: str) -> TermInsights:
    times = times_from(START, TIMEFRAMES[timeframe].step, len(values))
    dates = [time.date().isoformat() for time in times]
    decomposed = len(values) > MIN_SEASONS * TIMEFRAMES[timeframe].season

    def effect() -> float:
        return round(random.uniform(-30, 30), 1)

    def peak() -> Peak:
        date = random.choice(dates)
        return Peak(date, date, date, _level(random), abs(effect()), "event", random.random() < 0.3, 8.0)

    def change_point() -> ChangePoint:
        return ChangePoint(random.choice(dates), _level(random), _level(random), random.random() < 0.5)

    def year() -> tuple[float, float]:
        value = _level(random)
        return value, value - _level(random)

    return insights(
        trend=_maybe(random, lambda: [_level(random), _level(random)]) if decomposed else None,
        season=_maybe(random, lambda: season("late November", effect(), "June", effect())) if decomposed else None,
        peaks=tuple(peak() for _ in range(random.randint(0, 3))),
        change_points=tuple(change_point() for _ in range(random.randint(0, 2))),
        year=_maybe(random, year),
    )


def _together(random: Random, term: ComparedTerm) -> Together:
    lower, value, upper = sorted(random.uniform(-0.99, 0.99) * random.choice((1, 0.2)) for _ in range(3))
    dates = sorted(time.date().isoformat() for time in random.sample(term.series.times, random.randint(0, 3)))
    leaders = random.choice((("termA", "termB", "termA"), ("termB", "termA", "termB")))
    return Together(
        _maybe(random, lambda: Correlation(value, lower, upper)),
        _maybe(random, lambda: LeadLag(random.choice((-8, -1, 1, 2)), random.uniform(0.1, 0.9))),
        tuple(LeadChange(date, leader) for date, leader in zip(dates, leaders, strict=False)),
        random.choice((True, False, None)),
    )


def _level(random: Random) -> float:
    return random.choice((0.0, 0.5, 1.0, 100.0, round(random.uniform(0, 100), 2), float(random.randint(0, 100))))


def _chance(random: Random) -> float:
    return random.choice((0.0, 50.0, 100.0, round(random.uniform(0, 100), 4)))


def _maybe(random: Random, make: Callable[[], T]) -> T | None:
    return make() if random.random() < 0.6 else None
