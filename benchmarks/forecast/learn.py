"""Fits services/forecaster/engine/learned.py to the real exports: `python -m benchmarks.forecast.learn [--write]`.

Prints what is learned, and how it does on sources that it was not learned from (each left out in turn). Quantile
regression on the engine's scale of intervals: each reach is base × step ** growth × (own error + point + event), with
one table for short series and one for those with two years known, from which each step's own bases hardly depart.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.forecast.cases import Case, cuts, export_cases
from benchmarks.forecast.directions import fit_confidence, left_out, outcomes, reliability
from benchmarks.forecast.scores import Forecast, by_set
from services.forecaster.engine import learned
from services.forecaster.engine.history import Array
from services.forecaster.engine.intervals import Spread, make_bands, own_errors, size_of_a_point
from services.forecaster.engine.learned import Reach
from services.forecaster.engine.prediction import predict
from services.forecaster.engine.rhythm import RHYTHMS
from services.forecaster.engine.scale import BOUNDED

LEVELS = np.array([0.025, 0.1, 0.9, 0.975])
SIDES = np.array([-1.0, -1.0, 1.0, 1.0])
# How many origins of each series: those nearest to the lengths that users bring. The few series of years count with
# more of them, since one date's events are no sample: from 3 and 4, 5y and monthly scores were 3 and 6 % worse.
ORIGINS = {"12m": 1, "daily": 2, "5y": 5, "monthly": 8, "cut": 1}
DIRECTION_ORIGINS = 8  # of each series, whose directions teach how sure to be
FAMILIES = {"SHORT": ("12m", "cut", "daily"), "LONG": ("5y", "monthly")}
NAMES = {"12m": "SHORT_WEEKLY", "cut": "SHORT_WEEKLY", "daily": "DAILY", "5y": "LONG_WEEKLY", "monthly": "LONG_MONTHLY"}
CUT_WEIGHT = 1 / 3  # of a source's cuts against its exports: no user sees them
EVENNESS = 0.5  # between counting errors as they are (0) and in each series' own spread (1)
STIFFNESS = 0.002  # keeps figures that the data say little about where they start
OWN_STIFFNESS = 0.2  # the same for what tells a step's bases from its family's
HALF = 0.5  # of what sources left out would have needed, on a logarithmic scale: few sources say so


@dataclass(frozen=True)
class Row:
    """One forecast on the scale of intervals."""

    case: Case
    path: Array
    errors: Array
    own: Array
    point: float

    @property
    def owner(self) -> str:
        """Who is left out together."""
        return self.case.source


def main(arguments: list[str]) -> int:
    """Learns, reports, and writes where asked to."""
    exported = export_cases(max(*ORIGINS.values(), DIRECTION_ORIGINS))
    if not exported:
        print("the exports are not beside this checkout", file=sys.stderr)
        return 1
    rows = make_rows(exported)
    tables: dict[str, Reach] = {}
    for family, sets in FAMILIES.items():
        of_family = [row for row in rows if row.case.set in sets]
        learned_now = learn_family(family, of_family)
        _print_left_out(family, of_family, learned_now)
        tables |= learned_now.tables
    tables["UNBOUNDED"] = _table(fit([row for row in rows if row.case.set in FAMILIES["LONG"]], floors=False), None)
    for name, table in tables.items():
        print(f"{name} = {_spelled(table)}")
        setattr(learned, name, table)  # the chances of a direction are those behind the intervals just learned
    said = outcomes([case for case in exported + cuts(exported) if case.held_out <= DIRECTION_ORIGINS])
    confidence = fit_confidence(said)
    print(f"CONFIDENCE = {confidence}\non sources left out:", *reliability(left_out(said)), sep="\n")
    if "--write" in arguments:
        _write(tables, confidence)
    return 0


def make_rows(exported: list[Case]) -> list[Row]:
    """Of the origins that are learned from, cuts included."""
    return [make_row(case) for case in exported + cuts(exported) if case.held_out <= ORIGINS[case.set]]


def make_row(case: Case) -> Row:
    """Forecasts a case and looks at what came."""
    prediction = predict(case.known, RHYTHMS[case.step], case.horizon, steps=case.horizon)
    backtest, path = prediction.backtest, prediction.path
    past = BOUNDED.to_odds(backtest.actuals) - BOUNDED.to_odds(backtest.forecasts)
    return Row(
        case=case,
        path=path,
        errors=BOUNDED.to_odds(case.actual) - BOUNDED.to_odds(path),
        own=own_errors(past, BOUNDED.to_odds(case.known), path),
        point=size_of_a_point(path),
    )


@dataclass(frozen=True)
class Family:
    """What was learned, and each row's forecast from what the other sources would have taught."""

    tables: dict[str, Reach]
    as_fitted: list[Forecast]
    widened: list[Forecast]


@dataclass(frozen=True)
class Fit:
    """What a family has learned; the own bases by set."""

    point: float
    event: float
    base: Array
    growth: Array
    own: dict[str, Array]


def fit(rows: Sequence[Row], *, floors: bool = True) -> Fit:
    """The reaches with the least quantile loss, each source and set counting alike."""
    sets = sorted({_own(row) for row in rows})
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        counts[row.case.set, row.owner] += 1
    groups = [_group([row for row in rows if _own(row) == name], counts) for name in sets]
    features = 3 if floors else 1
    start = np.concatenate((np.sqrt([0.3, 0.6, 0.05][:features]), np.log([2.2, 1.1, 1.2, 2.8]), np.full(4, 0.06)))
    start = np.concatenate((start, np.zeros(4 * len(sets))))
    stiff = np.full(len(start), STIFFNESS)
    stiff[features : features + 4] = 0
    stiff[features + 4 : features + 8] *= 10  # growths are a tenth as large as the rest
    stiff[features + 8 :] = OWN_STIFFNESS

    def loss(parameters: Array) -> tuple[float, Array]:
        away = parameters - start
        total, slope = float(stiff @ away**2), 2 * stiff * away
        for index, group in enumerate(groups):
            total += group.loss(parameters, slope, features, features + 8 + 4 * index)
        return total, slope

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    weights = np.zeros(3)
    weights[:features] = found[:features] ** 2
    own = {name: np.exp(found[features + 8 + 4 * i : features + 12 + 4 * i]) for i, name in enumerate(sets)}
    base, growth = weights[0] * np.exp(found[features : features + 4]), found[features + 4 : features + 8]
    return Fit(weights[1] / weights[0], weights[2] / weights[0], base, growth, own)


@dataclass(frozen=True)
class _Group:
    """The rows of one set: arrays (rows, steps, features) and (rows, steps)."""

    features: Array
    errors: Array
    weight: Array

    def loss(self, parameters: Array, slope: Array, features: int, own: int) -> float:
        """Adds to the gradient."""
        roots, used = parameters[:features], self.features[:, :, :features]
        spread = used @ roots**2
        ahead = np.log(np.arange(1, spread.shape[1] + 1))
        total = 0.0
        for level in range(4):
            power = parameters[features + level] + parameters[own + level] + parameters[features + 4 + level] * ahead
            reach = SIDES[level] * np.exp(power) * spread
            beyond = self.errors - reach
            total += float(np.sum(self.weight * np.maximum(LEVELS[level] * beyond, (LEVELS[level] - 1) * beyond)))
            pull = self.weight * np.where(beyond > 0, -LEVELS[level], 1 - LEVELS[level])
            slope[features + level] += np.sum(pull * reach)
            slope[own + level] += np.sum(pull * reach)
            slope[features + 4 + level] += np.sum(pull * reach * ahead)
            slope[:features] += 2 * roots * np.einsum("rs,rsf->f", pull * SIDES[level] * np.exp(power), used)
        return total


def _group(rows: Sequence[Row], counts: dict[tuple[str, str], int]) -> _Group:
    features = np.array([np.stack((row.own, *_floors(row)), axis=1) for row in rows])
    weight = np.array(
        [
            (CUT_WEIGHT if row.case.set == "cut" else 1.0)
            / counts[row.case.set, row.owner]
            / len(counts)
            / (row.own.mean() + row.point + 0.02) ** EVENNESS
            / row.case.horizon
            for row in rows
        ]
    )
    return _Group(features, np.array([row.errors for row in rows]), weight[:, None])


def _floors(row: Row) -> tuple[Array, Array]:
    return np.full(row.case.horizon, row.point), np.ones(row.case.horizon)


def _own(row: Row) -> str:
    return NAMES[row.case.set]


def learn_family(family: str, rows: list[Row]) -> Family:
    """The tables for these rows, and what those of the other sources say of each source."""
    owners = sorted({row.owner for row in rows})
    left_out = {owner: fit([row for row in rows if row.owner != owner]) for owner in owners}
    whole = fit(rows)
    names = sorted({_own(row) for row in rows})
    widths = {name: _needed([row for row in rows if _own(row) == name], left_out) for name in names}
    tables = {name: _table(whole, name, widths[name]) for name in names}
    return Family(
        tables=({"SHORT": _table(whole, None)} if family == "SHORT" else {}) | tables,
        as_fitted=[_forecast(row, left_out[row.owner], None) for row in rows],
        widened=[_forecast(row, left_out[row.owner], widths[_own(row)]) for row in rows],
    )


def _print_left_out(name: str, rows: list[Row], family: Family) -> None:
    print(f"\n{name}: on sources left out, before and after widening")
    for forecasts in (family.as_fitted, family.widened):
        for set_name, found in by_set([row.case for row in rows], forecasts).items():
            print(
                f"  {set_name:8s} MAE {found.mae:.3f} interval {found.interval:.3f} ({found.interval_uncut:.3f} uncut) "
                f"95 %: {found.coverage95[0]:.1f} 80 %: {found.coverage80[0]:.1f}"
            )


def _needed(rows: Sequence[Row], left_out: dict[str, Fit]) -> NDArray[np.float64]:
    """Half of what (95 %, 80 %) would have had to be multiplied with to cover as promised, sources counting alike."""
    beyond: dict[str, list[Array]] = defaultdict(list)
    for row in rows:
        table = _table(left_out[row.owner], _own(row))
        ahead = np.arange(1, row.case.horizon + 1)
        spread = row.own + table.point * row.point + table.event
        reach = np.array([b * ahead**g * spread for b, g in zip(table.base, table.growth, strict=True)])
        both = [np.maximum(-row.errors / reach[i], row.errors / reach[3 - i]) for i in (0, 1)]
        beyond[row.owner].append(np.array(both))
    shares = np.linspace(-0.6, 0.6, 241)
    needed = []
    for index, level in ((0, 0.95), (1, 0.8)):
        covered = np.mean(
            [
                [np.mean(np.array([one[index] for one in of_owner]) <= np.exp(share)) for share in shares]
                for of_owner in beyond.values()
            ],
            axis=0,
        )
        needed.append(HALF * shares[np.argmax(covered >= level)])
    return np.exp(needed)


def _table(found: Fit, name: str | None, widths: NDArray[np.float64] | None = None) -> Reach:
    base = found.base * found.own.get(name or "", np.ones(4))
    if widths is not None:
        base = base * widths[[0, 1, 1, 0]]
    rounded = [round(float(value), 3) for value in (*base, *found.growth)]
    return Reach(
        (rounded[0], rounded[1], rounded[2], rounded[3]),
        (rounded[4], rounded[5], rounded[6], rounded[7]),
        round(found.point, 3),
        round(found.event, 3),
    )


def _forecast(row: Row, found: Fit, widths: NDArray[np.float64] | None) -> Forecast:
    table = _table(found, _own(row), widths)
    bands = make_bands(row.path, Spread(row.own + table.point * row.point + table.event, table))
    return Forecast(bands.value, bands.lower80, bands.upper80, bands.lower95, bands.upper95)


def _spelled(table: Reach) -> str:
    return f"Reach({table.base}, {table.growth}, {table.point}, {table.event})"


def _write(tables: dict[str, Reach], confidence: tuple[float, float]) -> None:
    path = Path(learned.__file__)
    values = {name: _spelled(table) for name, table in tables.items()} | {"CONFIDENCE": str(confidence)}
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [line.partition(" = ")[0] for line in lines]
    lines = [f"{name} = {values[name]}" if name in values else line for name, line in zip(names, lines, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
