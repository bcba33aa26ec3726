"""Both terms together."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations_with_replacement, pairwise

import numpy as np
import pytest

from benchmarks.forecast.exports import read_exports
from benchmarks.insights.season import season_of
from services.forecaster.engine.history import Array
from services.forecaster.insights.as_json import as_json
from services.forecaster.insights.term.analysis import Analysis, analyse
from services.forecaster.insights.together.comparison import compare
from services.forecaster.insights.types import Together
from tests.paths import EXPORTS
from tests.unit.forecaster.engine.series import term_series
from tests.unit.forecaster.insights.together.pairs import SEASON, analysis, levels, noise

SERIES: dict[str, Callable[[int], Array]] = {
    "constant": lambda count: np.full(count, 40.0),
    "all zero": np.zeros,
    "mostly zero": lambda count: np.where(np.arange(count) % 17 == 0, 100.0, 0.0),
    "one event": lambda count: np.where(np.arange(count) == count // 2, 100.0, 1.0),
    "straight": lambda count: np.linspace(0, 100, count),
    "noise": lambda count: np.clip(np.round(50 + 20 * noise(count, seed=1)), 0, 100),
}


@pytest.mark.parametrize(("first", "second"), [*combinations_with_replacement(SERIES, 2)])
@pytest.mark.parametrize(
    ("count", "timeframe"), [(2, "12m"), (3, "12m"), (52, "12m"), (260, "5y"), (48, "7d"), (90, "3m"), (240, "all")]
)
def test_any_pair_is_compared(first: str, second: str, count: int, timeframe: str) -> None:
    a, b = analysis(SERIES[first](count), timeframe), analysis(SERIES[second](count), timeframe)
    together = compare(a, b, *(SEASON if np.ptp(term.values) else None for term in (a, b)))
    assert isinstance(together, Together)
    json.dumps(as_json(together), allow_nan=False)


@pytest.mark.parametrize("count", [520, 5000])
def test_a_long_pair_is_compared(count: int) -> None:
    a, b = analysis(SERIES["noise"](count), "5y"), analysis(SERIES["mostly zero"](count), "5y")
    json.dumps(as_json(compare(a, b, SEASON, None)), allow_nan=False)


@pytest.mark.skipif(not EXPORTS.exists(), reason="the real exports are not beside the checkout")
def test_pairs_of_real_exports_are_compared() -> None:
    compared = 0
    for first, second in list(pairwise(read_exports()))[::4]:
        if len(first.values) != len(second.values) or first.timeframe != second.timeframe:
            continue
        a, b = (term_series(each.values, each.timeframe) for each in (first, second))
        together = compare(analyse(a), analyse(b), season_of(a), season_of(b))
        assert isinstance(together, Together)
        json.dumps(as_json(together), allow_nan=False)
        compared += 1
    assert compared > 40


def test_terms_that_are_scaled_apart_are_not_compared() -> None:
    a, b = (analysis(SERIES["noise"](52), "12m", scaled_apart=True) for _ in range(2))
    assert compare(a, b, None, None) is None


def test_the_changes_of_a_term_that_leads_are_found() -> None:
    together = compare(*leading(noise(262, seed=4)), None, None)
    assert together is not None
    assert together.lead_lag is not None
    assert together.lead_lag.steps == 2
    assert together.correlation is not None
    assert together.correlation.lower95 < 0 < together.correlation.upper95
    assert together.shared_season is False


def leading(changes: Array) -> tuple[Analysis, Analysis]:
    own = 0.5 * noise(len(changes), seed=9)
    return analysis(levels(changes[2:]), "5y"), analysis(levels((changes + own)[:-2]), "5y")
