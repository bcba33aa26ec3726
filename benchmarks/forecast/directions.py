"""Calibration of the confidence: how often directions come true."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from benchmarks.forecast.cases import Case
from services.forecaster.engine.bundle.confidence import calibrated, log_odds
from services.forecaster.engine.bundle.direction import direction_of
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals.distribution import Distribution
from services.forecaster.engine.intervals.learned import SpreadMultipliers
from services.forecaster.engine.intervals.prediction_intervals import forecast_spread, make_intervals
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.prediction import predict
from services.forecaster.engine.points.usable_history import find_usable_history

EDGES = (0, 50, 60, 70, 80, 90, 100)
STIFFNESS = 0.01
START = np.array([0.0, 0.5, 0.0])
CUT_WEIGHT = 1 / 3  # weight of a source's cuts relative to its exports


@dataclass(frozen=True)
class Outcome:
    """One forecast direction, and whether it came true."""

    set: str
    source: str
    said: str
    log_odds: float  # not calibrated
    season_share: float  # the season's probability
    right: bool

    @property
    def moves(self) -> bool:
        """Whether the direction is rising or falling."""
        return self.said in ("rising", "falling")


def outcomes(cases: Sequence[Case], multipliers_of: Callable[[Case, int], SpreadMultipliers]) -> list[Outcome]:
    """The outcome of every case, with the multipliers that `multipliers_of` returns for it and its usable points."""
    return [_outcome(case, multipliers_of) for case in cases]


def fit_confidence(found: Sequence[Outcome]) -> tuple[float, float, float]:
    """See engine.learned.CONFIDENCE; from rising and falling.

    Twenty forecasts of a source count twice as much as five.
    """
    moves = [one for one in found if one.moves]
    counts: dict[str, int] = defaultdict(int)
    for one in moves:
        counts[one.source] += 1
    odds, right = np.array([one.log_odds for one in moves]), np.array([one.right for one in moves])
    season = np.array([one.season_share for one in moves])
    weight = np.array([counts[one.source] ** -0.5 * (CUT_WEIGHT if one.set == "cut" else 1) for one in moves])

    def loss(line: Array) -> float:
        probability = 1 / (1 + np.exp(-(line[0] + line[1] * odds + line[2] * season)))
        surprise = -weight @ np.log(np.where(right, probability, 1 - probability)) / weight.sum()
        return float(surprise + STIFFNESS * np.sum((line - START) ** 2))

    constant, slope, by_season = (round(float(figure), 3) for figure in minimize(loss, START, method="Nelder-Mead").x)
    return constant, slope, by_season


def held_out_confidence(found: Sequence[Outcome]) -> list[tuple[Outcome, float]]:
    """Each outcome with its held-out confidence, in per cent: fitted on the other sources."""
    lines = {
        source: fit_confidence([one for one in found if one.source != source]) for source in {x.source for x in found}
    }
    return [(one, 100 * calibrated(one.log_odds, one.season_share, lines[one.source])) for one in found]


def reliability(rated: Sequence[tuple[Outcome, float]]) -> Iterator[str]:
    """Table lines: how many rising or falling forecasts of exports came true, by confidence."""
    yield "| confidence | forecasts | sources | mean confidence | came true |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for low, high in itertools.pairwise(EDGES):
        moves = [(one, percent) for one, percent in rated if one.moves and one.set != "cut"]
        group = [(one, percent) for one, percent in moves if low <= percent < high + (high == 100)]
        if group:
            percent, right = np.mean([percent for _, percent in group]), np.mean([one.right for one, _ in group])
            sources = len({one.source for one, _ in group})
            yield f"| {low}–{high} | {len(group)} | {sources} | {percent:.0f} % | {100 * right:.0f} % |"


def _outcome(case: Case, multipliers_of: Callable[[Case, int], SpreadMultipliers]) -> Outcome:
    usable = find_usable_history(case.known, PERIODICITIES[case.step])
    known = usable.values
    prediction = predict(known, PERIODICITIES[case.step], case.horizon, steps=case.horizon)
    multipliers = multipliers_of(case, len(known))
    spread = forecast_spread(prediction.backtest, known, prediction.path, prediction.disagreement, multipliers)
    intervals = make_intervals(prediction.path, spread)
    odds = log_odds(case.known, intervals.value, Distribution.of(intervals, case.horizon))
    said = direction_of(case.known, intervals.value)
    moved = said if said in ("rising", "falling") else "stable"
    actual = direction_of(case.known, case.actual)
    actual = actual if actual in ("rising", "falling") else "stable"
    return Outcome(case.set, case.source, said, odds, usable.season_share, moved == actual)
