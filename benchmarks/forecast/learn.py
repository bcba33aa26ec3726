"""Fits engine/intervals/learned.py to real exports: `python -m benchmarks.forecast.learn [--write]`.

Fits to what there is: the series of collected.csv, and the exports in the folder that WARMCAST_EXPORTS names. Prints
what is missing, the fitted figures, and their scores on held-out sources (leave-one-source-out). The fit is a quantile
regression on the engine's interval scale: an interval reaches base × step ** growth × spread, with one table for short
series, one for series with two known years, and one without bounds, from the earlier weeks of the M4 sample.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.forecast.cases import Case, brief, cuts, export_cases
from benchmarks.forecast.directions import Outcome, fit_confidence, held_out_confidence, outcomes, reliability
from benchmarks.forecast.m4 import m4_earlier
from benchmarks.forecast.scores import Forecast, by_set
from services.common.comparison import Step
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals import learned
from services.forecaster.engine.intervals.learned import SpreadMultipliers
from services.forecaster.engine.intervals.prediction_intervals import (
    Spread,
    choose_multipliers,
    combine_spread,
    make_intervals,
    point_width,
    recent_deviation,
    residual_spread,
    small_sample_factor,
)
from services.forecaster.engine.periodicity import PERIODICITIES
from services.forecaster.engine.points.prediction import predict
from services.forecaster.engine.points.usable_history import find_usable_history
from services.forecaster.engine.scale import BOUNDED, Scale
from tests.paths import EXPORTS

LEVELS = np.array([0.025, 0.1, 0.9, 0.975])
SIDES = np.array([-1.0, -1.0, 1.0, 1.0])
# Origins per series. The few long series need more of them: with 3 and 4, 5y and monthly scores were 3 and 6 % worse.
ORIGINS = {"12m": 1, "daily": 2, "5y": 5, "monthly": 8, "cut": 1, "brief": 1}
DIRECTION_ORIGINS = 8  # origins per series for the calibration of directions
CUT_SETS = ("cut", "brief")
ALL_SOURCES = ""
CUT_WEIGHT = 1 / 3  # weight of cuts relative to exports
NORMALISATION = 0.5  # exponent of the normalisation of errors by each series' own spread
# Initial weights of residuals, disagreement, recent deviation, point width and event constant.
START = (0.3, 0.2, 0.1, 0.6, 0.05)
SCALE_FREE = 3  # the first weights, which also apply without bounds
RIDGE = 0.002  # ridge penalty on the distance from the start


@dataclass(frozen=True)
class Row:
    """One forecast on the interval scale."""

    case: Case
    known: int  # usable points
    path: Array
    errors: Array
    own: Array
    disagreement: Array
    recent_deviation: float
    point: float

    @property
    def source_group(self) -> str:
        """The source that is held out together."""
        return self.case.source

    @property
    def family(self) -> str:
        """The name of the table that applies."""
        return family_of(self.case.step, self.known)


def main(arguments: list[str]) -> int:
    """Fits, reports, and writes learned.py with --write."""
    for line in missing():
        print(line, file=sys.stderr)
    exported = export_cases(max(*ORIGINS.values(), DIRECTION_ORIGINS))
    families = by_family(make_rows(exported))
    without = {name: fit_without_source(rows) for name, rows in families.items()}
    tables = {name: without[name][ALL_SOURCES] for name in families}
    for name, rows in families.items():
        _print_held_out(name, rows, without[name])
    # Errors of search interest are larger than those of other series: learned from them, intervals were too wide.
    tables["UNBOUNDED"] = fit([make_row(case) for case in m4_earlier()], floors=False)
    for name, table in tables.items():
        print(f"{name} = {_as_code(table)}")
    outcomes_held_out = direction_outcomes(exported, without)
    confidence = fit_confidence(outcomes_held_out)
    print(
        f"CONFIDENCE = {confidence}\non sources left out:",
        *reliability(held_out_confidence(outcomes_held_out)),
        sep="\n",
    )
    if "--write" in arguments:
        _write(tables, confidence)
    return 0


def missing() -> list[str]:
    """What the figures in use were learned from and this machine does not have."""
    if (EXPORTS / "INDEX.csv").exists():
        return []
    return [
        f"{EXPORTS} has no INDEX.csv: fitted to collected.csv alone.",
        "The figures in use were also fitted to exports of 13 more repositories; WARMCAST_EXPORTS names their folder.",
    ]


def make_rows(exported: list[Case]) -> list[Row]:
    """The rows that figures are fitted on, cuts included."""
    cut = cuts(exported)
    return [make_row(case) for case in exported + cut + brief(cut) if case.held_out <= ORIGINS[case.set]]


def by_family(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each table."""
    return {name: [row for row in rows if row.family == name] for name in ("SHORT", "LONG")}


def family_of(step: Step, known: int) -> str:
    """The name of the table for a bounded series with `known` usable points."""
    return "LONG" if choose_multipliers(step, PERIODICITIES[step], known) is learned.LONG else "SHORT"


def direction_outcomes(
    exported: Sequence[Case], without: Mapping[str, Mapping[str, SpreadMultipliers]]
) -> list[Outcome]:
    """Of exports and their cuts, by the intervals that the other sources taught: family → source → multipliers.

    The family's own table is used for a source that it was not learned from.
    """
    cases = [case for case in [*exported, *cuts(list(exported))] if case.held_out <= DIRECTION_ORIGINS]

    def multipliers(case: Case, known: int) -> SpreadMultipliers:
        family = family_of(case.step, known)
        return without[family].get(case.source, without[family][ALL_SOURCES])

    return outcomes(cases, multipliers)


def make_row(case: Case) -> Row:
    """Forecasts a case and computes its errors."""
    scale, periodicity = BOUNDED if case.bounded else Scale.unbounded(case.known), PERIODICITIES[case.step]
    known = find_usable_history(case.known, periodicity, scale).values
    prediction = predict(known, periodicity, case.horizon, steps=case.horizon, scale=scale)
    backtest, path = prediction.backtest, prediction.path
    past = scale.to_logit(backtest.actuals) - scale.to_logit(backtest.forecasts)
    odds = scale.to_logit(known)
    return Row(
        case=case,
        known=len(known),
        path=path,
        errors=scale.to_logit(case.actual) - scale.to_logit(path),
        own=residual_spread(past, odds, path),
        disagreement=prediction.disagreement,
        recent_deviation=recent_deviation(odds),
        point=point_width(path, scale),
    )


def fit(rows: Sequence[Row], *, floors: bool = True) -> SpreadMultipliers:
    """The multipliers with the lowest quantile loss. A source weighs by the square root of its row count."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        counts[row.case.set, row.source_group] += 1
    groups = [
        _group([row for row in rows if row.case.set == name], counts) for name in sorted({row.case.set for row in rows})
    ]
    features = len(START) if floors else SCALE_FREE
    start = np.concatenate((np.sqrt(START[:features]), np.log([2.2, 1.1, 1.2, 2.8]), np.full(4, 0.06)))
    stiff = np.full(len(start), RIDGE)
    stiff[features : features + 4] = 0
    stiff[features + 4 :] *= 10  # growths are a tenth as large as the rest

    def loss(parameters: Array) -> tuple[float, Array]:
        away = parameters - start
        total, slope = float(stiff @ away**2), 2 * stiff * away
        for group in groups:
            total += group.loss(parameters, slope, features)
        return total, slope

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    weights = np.zeros(len(START))
    weights[:features] = found[:features] ** 2
    base, growth = weights[0] * np.exp(found[features : features + 4]), found[features + 4 :]
    rounded = [round(float(value), 3) for value in (*base, *growth, *weights[1:] / weights[0])]
    return SpreadMultipliers(
        (rounded[0], rounded[1], rounded[2], rounded[3]), (rounded[4], rounded[5], rounded[6], rounded[7]), *rounded[8:]
    )


@dataclass(frozen=True)
class _Group:
    """The rows of one set: arrays (rows, steps, features) and (rows, steps)."""

    features: Array
    errors: Array
    weight: Array

    def loss(self, parameters: Array, slope: Array, features: int) -> float:
        """Adds to the gradient."""
        roots, used = parameters[:features], self.features[:, :, :features]
        spread = used @ roots**2
        ahead = np.log(np.arange(1, spread.shape[1] + 1))
        total = 0.0
        for level in range(4):
            power = parameters[features + level] + parameters[features + 4 + level] * ahead
            multipliers = SIDES[level] * np.exp(power) * spread
            beyond = self.errors - multipliers
            total += float(np.sum(self.weight * np.maximum(LEVELS[level] * beyond, (LEVELS[level] - 1) * beyond)))
            pull = self.weight * np.where(beyond > 0, -LEVELS[level], 1 - LEVELS[level])
            slope[features + level] += np.sum(pull * multipliers)
            slope[features + 4 + level] += np.sum(pull * multipliers * ahead)
            slope[:features] += 2 * roots * np.einsum("rs,rsf->f", pull * SIDES[level] * np.exp(power), used)
        return total


def _group(rows: Sequence[Row], counts: dict[tuple[str, str], int]) -> _Group:
    features = np.array([_features(row) for row in rows])
    total = sum(count**0.5 for count in counts.values())
    weight = np.array(
        [
            (CUT_WEIGHT if row.case.set in CUT_SETS else 1.0)
            / counts[row.case.set, row.source_group] ** 0.5
            / total
            / (row.own.mean() + row.point + 0.02) ** NORMALISATION
            / row.case.horizon
            for row in rows
        ]
    )
    return _Group(features, np.array([row.errors for row in rows]), weight[:, None])


def _features(row: Row) -> Array:
    level = np.ones(row.case.horizon)
    parts = (row.own, row.disagreement, row.recent_deviation * level, row.point * level, level)
    return small_sample_factor(row.known) * np.stack(parts, axis=1)


def fit_without_source(rows: Sequence[Row]) -> dict[str, SpreadMultipliers]:
    """The multipliers fitted without each source, and those of ALL_SOURCES."""
    without = {
        source_group: fit([row for row in rows if row.source_group != source_group])
        for source_group in sorted({row.source_group for row in rows})
    }
    return {**without, ALL_SOURCES: fit(rows)}


def held_out_forecasts(rows: Sequence[Row], without: Mapping[str, SpreadMultipliers]) -> list[Forecast]:
    """Held-out forecasts of all rows."""
    return [_forecast(row, without[row.source_group]) for row in rows]


def _print_held_out(name: str, rows: Sequence[Row], without: Mapping[str, SpreadMultipliers]) -> None:
    print(f"\n{name}: on sources left out")
    for set_name, found in by_set([row.case for row in rows], held_out_forecasts(rows, without)).items():
        print(
            f"  {set_name:8s} MAE {found.mae:.3f} interval {found.interval:.3f} "
            f"({found.interval_unclipped:.3f} unclipped) "
            f"95 %: {found.coverage95[0]:.1f} 80 %: {found.coverage80[0]:.1f}"
        )


def _forecast(row: Row, multipliers: SpreadMultipliers) -> Forecast:
    spread = small_sample_factor(row.known) * combine_spread(
        row.own, row.disagreement, row.recent_deviation, row.point, multipliers
    )
    intervals = make_intervals(row.path, Spread(spread, multipliers))
    return Forecast(intervals.value, intervals.lower80, intervals.upper80, intervals.lower95, intervals.upper95)


def _as_code(table: SpreadMultipliers) -> str:
    return f"SpreadMultipliers({', '.join(str(figure) for figure in vars(table).values())})"


def _write(tables: dict[str, SpreadMultipliers], confidence: tuple[float, float, float]) -> None:
    path = Path(learned.__file__)
    values = {name: _as_code(table) for name, table in tables.items()} | {"CONFIDENCE": str(confidence)}
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [line.partition(" = ")[0] for line in lines]
    lines = [f"{name} = {values[name]}" if name in values else line for name, line in zip(names, lines, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
