"""Measures the engine on synthetic changes: `python -m benchmarks.forecast.synthetic [--seed N]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.forecast.cases import Case
from benchmarks.forecast.peers import ours
from benchmarks.forecast.scores import Forecast, covered
from benchmarks.forecast.synthetic.kinds import KINDS, PER_KIND, SEED, cases, noises
from services.common.comparison import Step
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.usable_history import find_usable_history

CORRELATIONS = (0.0, 0.3, 0.5, 0.7)  # at one step; 0 is white noise
NOISES = 500
MIN_ERROR = 0.25  # points a step: half of what rounding makes of an exact forecast


def main(arguments: list[str]) -> int:
    """Prints the tables."""
    seed = int(arguments[1]) if arguments[:1] == ["--seed"] else SEED
    drawn = cases(PER_KIND, seed)
    print(*table(drawn, [ours(case) for case in drawn]), "", *alarms(seed), sep="\n")
    return 0


def table(drawn: Sequence[Case], said: Sequence[Forecast]) -> Iterator[str]:
    """A row per kind: total error ÷ that of the last value, and coverage in per cent."""
    yield "| kind | series | error ÷ last value's | largest | 95 % covers | 80 % covers |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for kind in KINDS:
        pairs = [(case, made) for case, made in zip(drawn, said, strict=True) if case.set == kind]
        ratios = np.array([against_last(case, made) for case, made in pairs])
        at95 = 100 * np.mean([covered(case.actual, made.lo95, made.hi95) for case, made in pairs])
        at80 = 100 * np.mean([covered(case.actual, made.lo80, made.hi80) for case, made in pairs])
        typical = np.exp(np.log(ratios).mean())
        yield f"| {kind} | {len(pairs)} | {typical:.2f} | {ratios.max():.1f} | {at95:.0f} | {at80:.0f} |"


def alarms(seed: int = SEED) -> Iterator[str]:
    """How often a change of level is found in noise, in per cent."""
    yield "| noise | series | changes found, % |"
    yield "| --- | ---: | ---: |"
    for correlation in CORRELATIONS:
        yield f"| AR(1) {correlation} | {NOISES} | {100 * false_alarms(correlation, NOISES, seed):.1f} |"


def false_alarms(correlation: float, count: int, seed: int = SEED) -> float:
    """The share of `count` series of noise in which a launch or change of level is found."""
    weeks = PERIODICITIES[Step.WEEKLY]
    return float(
        np.mean([find_usable_history(values, weeks).known_since > 0 for values in noises(correlation, count, seed)])
    )


def against_last(case: Case, made: Forecast) -> float:
    """Total absolute error ÷ that of repeating the last value."""
    least = MIN_ERROR * case.horizon
    error, naive = (float(np.abs(case.actual - path).sum()) for path in (made.mean, case.known[-1]))
    return max(error, least) / max(naive, least)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
