"""Fitted figures, and held-out ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import check_grad

from benchmarks.forecast import learn
from benchmarks.forecast.cases import Case
from benchmarks.forecast.directions import Outcome, held_out_confidence
from benchmarks.forecast.learn import Row, _Group, fit_without_source, held_out_forecasts, make_row
from benchmarks.forecast.m4 import m4_cases, m4_earlier
from services.common.comparison import Step
from services.forecaster.engine.history import Array

DRAWN = np.random.default_rng(8)


def row(source: str) -> Row:
    case = Case("12m", source, f"{source}: term", Step.WEEKLY, 52, 1, np.full(40, 50.0), np.full(13, 50.0))
    return Row(case, 40, np.full(13, 50.0), DRAWN.normal(0, 0.3, 13), np.full(13, 0.3), np.full(13, 0.1), 0.2, 0.03)


ROWS = [row(source) for source in ("one", "two", "three") for _ in range(4)]


def widths(rows: list[Row]) -> dict[str, float]:
    said = held_out_forecasts(rows, fit_without_source(rows))
    return {each.source_group: float(np.mean(made.hi95 - made.lo95)) for each, made in zip(rows, said, strict=True)}


def test_intervals_of_a_held_out_source_do_not_depend_on_its_errors() -> None:
    absurd = [replace(each, errors=10 * each.errors) if each.source_group == "one" else each for each in ROWS]
    before, after = widths(ROWS), widths(absurd)
    assert after["one"] == before["one"]
    assert min(after["two"] / before["two"], after["three"] / before["three"]) > 1.2


def test_a_missing_folder_of_exports_is_reported_and_the_rest_is_learned_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(learn, "EXPORTS", tmp_path)
    assert "collected.csv alone" in learn.missing()[0]
    (tmp_path / "INDEX.csv").touch()
    assert learn.missing() == []


def test_unbounded_figures_are_learned_from_what_precedes_the_measured_values() -> None:
    measured, earlier = {case.series: case for case in m4_cases()}, m4_earlier()
    for case in earlier:
        used = np.concatenate((case.known, case.actual))
        assert np.array_equal(used, measured[case.series].known[: len(used)])
        assert len(case.actual) == case.horizon == 13


def test_a_series_that_is_cut_at_a_change_counts_as_short() -> None:
    known = np.concatenate((np.full(150, 20.0), np.full(40, 60.0))) + np.arange(190.0) % 3
    case = Case("5y", "one", "one: term", Step.WEEKLY, 52, 1, known, np.full(26, 60.0))
    assert (make_row(case).known, make_row(case).family) == (40, "SHORT")
    assert make_row(replace(case, known=known[:150])).family == "LONG"


def told(source: str, right: int) -> list[Outcome]:
    return [Outcome("12m", source, "rising", 1.0, 0.0, index < right) for index in range(20)]


def test_confidence_of_a_held_out_source_does_not_depend_on_its_outcomes() -> None:
    def confidences(right: int) -> dict[str, float]:
        found = told("one", right) + told("two", 14) + told("three", 14)
        return {outcome.source: sure for outcome, sure in held_out_confidence(found)}

    always, never = confidences(20), confidences(0)
    assert always["one"] == never["one"]
    assert always["two"] > never["two"] + 10
    assert always["three"] > never["three"] + 10


@pytest.mark.parametrize("features", [5, 3])
def test_the_gradient_of_the_loss_is_its_slope(features: int) -> None:
    drawn = np.random.default_rng(8)
    group = _Group(drawn.uniform(0.1, 1, (6, 13, 5)), drawn.normal(0, 2, (6, 13)), drawn.uniform(0.5, 1, (6, 1)))

    def loss(parameters: Array) -> float:
        return group.loss(parameters, np.zeros(len(parameters)), features)

    def gradient(parameters: Array) -> Array:
        slope = np.zeros(len(parameters))
        group.loss(parameters, slope, features)
        return slope

    at = np.concatenate((drawn.uniform(0.3, 1, features), [0.7, 0.1, 0.2, 0.9], [0.1, 0.2, -0.1, 0.3]))
    assert np.abs(gradient(at)).min() > 0.01
    assert check_grad(loss, gradient, at) < 1e-4
