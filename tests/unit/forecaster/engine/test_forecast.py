"""The bundle: properties that hold for every series, and golden values of a few."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy._core._multiarray_umath import (  # type: ignore[import-not-found] # numpy leaves it untyped
    __cpu_dispatch__,
    __cpu_features__,
)
from statsmodels.datasets import co2, sunspots
from vega_datasets import data as vega  # type: ignore[import-untyped]  # it ships no types

from benchmarks.forecast.exports import ExportedSeries, read_collected, read_exports
from services.common.comparison import TIMEFRAMES, Step
from services.forecaster.engine.bundle.head_to_head import head_to_head
from services.forecaster.engine.intervals import learned
from services.forecaster.engine.intervals.learned import SpreadMultipliers
from services.forecaster.engine.points.usable_history import RECURRING
from services.forecaster.engine.term import forecast_term
from services.forecaster.engine.types import EngineSetting, TermForecast, TermSeries
from services.forecaster.engine.version import ENGINE_VERSION
from tests.paths import EXPORTS
from tests.unit.forecaster.engine.series import rescaled, seasonal, term_series, times_from, wandering

Bundle = dict[str, Any]  # the bundle is JSON, and is read as such
WARNINGS = {"low_confidence", "insufficient_data", "high_volatility", "anomaly_detected", "data_quality_concern"}

# Hypothesis' own lists seldom grow long; a length of its own and a pool to fill it from make all lengths as likely.
series_of_any_kind = st.builds(
    lambda pool, length, timeframe, partial, gaps: term_series(
        [pool[index * index % len(pool)] for index in range(length)], timeframe, partial=partial, gaps_filled=gaps
    ),
    st.lists(st.floats(0, 100) | st.integers(0, 100) | st.sampled_from([0, 100]), min_size=1, max_size=400),
    st.integers(3, 400),
    st.sampled_from(sorted(TIMEFRAMES)),
    st.booleans(),
    st.booleans(),
)


def bundle_of(series: TermSeries, setting: EngineSetting = EngineSetting.FULL) -> Bundle:
    return forecast_term(series, setting).bundle


def check(series: TermSeries, forecast: TermForecast) -> None:
    """What every bundle keeps to."""
    bundle: Bundle = json.loads(json.dumps(forecast.bundle, allow_nan=False))
    assert bundle == forecast.bundle
    timeframe = TIMEFRAMES[series.timeframe]
    points = bundle["points"]
    assert len(points) == bundle["horizon"] == timeframe.horizon
    for point in points:
        ladder = [point[name] for name in ("lower95", "lower80", "value", "upper80", "upper95")]
        assert ladder == sorted(ladder)
        assert ladder[0] >= 0
        assert ladder[-1] <= 100
        assert all(number == round(number, 4) for number in ladder)
    whole = len(series.times) - series.partial_last_period
    expected = times_from(series.times[0], timeframe.step, whole + timeframe.horizon)[whole:]
    assert [point["date"] for point in points] == [spelled(time, timeframe.step) for time in expected]
    for part in (bundle, bundle["forecast14Day"], bundle["forecast30Day"]):
        assert 0 <= part["confidence"] <= 100
        assert WARNINGS.issuperset(part["warnings"])
    assert bundle["direction"] in ("rising", "falling", "stable", "volatile")
    assert bundle["engineVersion"] == forecast.engine_version == ENGINE_VERSION
    assert bundle["qualityFlags"]["partialLastPeriod"] is series.partial_last_period
    assert bundle["qualityFlags"]["gapsFilled"] is series.gaps_filled


def spelled(time: datetime, step: Step) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ" if step is Step.HOURLY else "%Y-%m-%d")


@given(series_of_any_kind)
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_any_series_gives_a_complete_bundle(series: TermSeries) -> None:
    check(series, forecast_term(series))


@given(series_of_any_kind)
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_the_naive_setting_gives_a_complete_bundle(series: TermSeries) -> None:
    forecast = forecast_term(series, EngineSetting.NAIVE)
    check(series, forecast)
    assert forecast.bundle["method"] == "naive"


@pytest.mark.parametrize("timeframe", sorted(TIMEFRAMES))
@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.0] * 120, id="zeros"),
        pytest.param([100.0] * 120, id="constant"),
        pytest.param([0.0] * 100 + [100.0] + [0.0] * 19, id="one event"),
        pytest.param([0.0] * 119 + [100.0], id="event at the end"),
        pytest.param([float(index % 10 == 0) for index in range(150)], id="zero-heavy"),
        pytest.param([1.0, 50.0, 2.0], id="three points"),
        pytest.param([0.0, 100.0] * 60, id="alternating"),
        pytest.param(wandering(2000), id="two thousand points"),
        pytest.param([5e-324] * 30 + [100.0] * 30, id="denormal"),
        pytest.param(seasonal(240, 12), id="pure season"),
    ],
)
def test_unusual_series_give_a_complete_bundle(values: list[float], timeframe: str) -> None:
    for partial in (False, True):
        series = term_series(values, timeframe, partial=partial)
        check(series, forecast_term(series))


def test_three_points_are_flagged_and_metrics_are_null() -> None:
    bundle = bundle_of(term_series([10, 20, 30]))
    assert bundle["qualityFlags"]["seriesTooShort"] is True
    assert "insufficient_data" in bundle["warnings"]
    assert bundle["method"] == "naive"
    assert bundle["metrics"] == {
        "mae": None, "mase": None, "smape": None, "coverage80": None, "coverage95": None, "windows": 0
    }  # fmt: skip


def test_the_partial_last_period_is_forecast_not_fitted() -> None:
    values = wandering(52)
    whole, partial = bundle_of(term_series(values)), bundle_of(term_series([*values, 1], partial=True))
    assert partial["points"] == whole["points"]
    assert partial["points"][0]["date"] == "2024-12-30"  # 52 weeks after the first Monday of 2024


def test_the_hash_depends_on_the_numbers() -> None:
    values = wandering(60)
    one, same = bundle_of(term_series(values)), bundle_of(term_series(values, gaps_filled=True))
    other = bundle_of(term_series([*values[:-1], values[-1] + 1]))
    assert one["forecastHash"] == same["forecastHash"]
    assert one["forecastHash"] != other["forecastHash"]
    assert len(one["forecastHash"]) == 16


def test_a_daily_summary_extends_to_day_30_and_an_hourly_one_states_its_end() -> None:
    daily = bundle_of(term_series([level / 2 + 20 for level in range(87)], "3m"))
    assert daily["forecast14Day"]["averageValue"] == pytest.approx(
        sum(point["value"] for point in daily["points"]) / 14, abs=1e-3
    )
    assert daily["forecast30Day"]["averageValue"] > daily["forecast14Day"]["averageValue"]
    hourly = bundle_of(term_series(seasonal(168, 24), "7d"))
    assert "insufficient_data" in hourly["forecast14Day"]["warnings"]
    assert "insufficient_data" not in hourly["warnings"]
    assert hourly["forecast14Day"]["keyPoints"][-1] == "Covers 48 hours of the 14 days: the forecast ends there"


@pytest.mark.parametrize(("timeframe", "steps14", "steps30"), [("12m", 2, 4), ("all", 1, 1)])
def test_summaries_average_the_periods_that_start_within_their_days(timeframe: str, steps14: int, steps30: int) -> None:
    bundle = bundle_of(term_series([*seasonal(156, 12)], timeframe))
    for name, steps in (("forecast14Day", steps14), ("forecast30Day", steps30)):
        values = [point["value"] for point in bundle["points"][:steps]]
        assert bundle[name]["averageValue"] == pytest.approx(sum(values) / steps, abs=1e-3)


def test_a_yearly_december_peak_is_not_a_shock_and_a_single_one_is() -> None:
    year = [20.0] * 11 + [60.0]
    for values, shock in ((6 * year, False), (5 * [20.0] * 12 + year, True)):
        bundle = bundle_of(term_series(values, "all"))
        assert bundle["qualityFlags"]["eventShockLikely"] is shock
        assert ("anomaly_detected" in bundle["warnings"]) is shock


@pytest.mark.parametrize(("known", "kind", "other"), [(104, "LONG", "SHORT"), (103, "SHORT", "LONG")])
def test_coverage_uses_intervals_of_the_same_kind_as_the_forecast(
    known: int, kind: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = term_series(wandering(known), "5y")
    wide, none = (SpreadMultipliers((base,) * 4, (0.0,) * 4, 1, 1, 1, 1) for base in (50.0, 0.0))
    for own, expected in ((wide, 1.0), (none, 0.0)):
        monkeypatch.setattr(learned, kind, own)
        monkeypatch.setattr(learned, other, none if own is wide else wide)
        metrics = bundle_of(series)["metrics"]
        assert (metrics["coverage80"], metrics["coverage95"]) == (expected, expected)


def packaged() -> dict[str, TermSeries]:
    weekly = co2.load_pandas().data["co2"].interpolate()[-260:]
    stocks = vega.stocks()
    amazon = stocks[stocks["symbol"] == "AMZN"]["price"]
    return {
        "weekly CO2": term_series(rescaled(list(weekly)), "5y"),
        "sunspots": term_series(rescaled(list(sunspots.load_pandas().data["SUNACTIVITY"])), "all"),
        "Amazon's share": term_series(rescaled(list(amazon)), "all"),
    }


GOLDEN: dict[str, tuple[str, list[float]]] = {
    "weekly CO2": ("combination", [84.258, 79.5482, 98.558, 95.0921, 87.5319]),
    "sunspots": ("combination", [5.324, 1.1274, 70.4167, 3.3356, 77.7877]),
    "Amazon's share": ("combination", [94.1675, 86.7061, 100.0, 94.8859, 83.4073]),
}


@pytest.mark.parametrize("name", ["weekly CO2", "sunspots", "Amazon's share"])
def test_golden_values(name: str) -> None:
    bundle = bundle_of(packaged()[name])
    first, last = bundle["points"][0], bundle["points"][-1]
    numbers = [first["value"], first["lower80"], first["upper95"], last["value"], bundle["confidence"]]
    assert (bundle["method"], numbers) == GOLDEN[name]


def made_elsewhere(**environment: str) -> list[str]:
    """The hashes of the same series' forecasts and of one pair, from another process, in the other order."""
    code = (
        "from tests.unit.forecaster.engine.test_forecast import hashes, packaged\n"
        "print(*hashes(dict(reversed(packaged().items()))))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env=os.environ | environment,
    )
    return run.stdout.split()


def hashes(named: dict[str, TermSeries]) -> list[str]:
    made = {name: forecast_term(series) for name, series in named.items()}
    pair = head_to_head(made["Amazon's share"], made["sunspots"])
    bundles = [made[name].bundle for name in sorted(made)]
    return [hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest() for one in (*bundles, pair)]


def test_bundles_are_the_same_in_other_processes_and_orders() -> None:
    assert made_elsewhere() == hashes(packaged())


def test_bundles_are_the_same_on_a_processor_with_fewer_features() -> None:
    optional = [feature for feature in __cpu_dispatch__ if __cpu_features__[feature]]
    if not optional:
        pytest.skip("numpy found nothing on this processor that it could do without")
    assert made_elsewhere(NPY_DISABLE_CPU_FEATURES=" ".join(optional)) == hashes(packaged())


def test_the_season_share_separates_a_season_from_noise() -> None:
    season = forecast_term(term_series(seasonal(4 * 52, 52), "5y"))
    noise = forecast_term(term_series(wandering(4 * 52), "5y"))
    assert noise.season_share < RECURRING < 0.95 < season.season_share


def test_types_and_version_load_no_numpy_and_the_engine_only_numpy() -> None:
    code = (
        "import sys\n"
        "import services.forecaster.engine.types, services.forecaster.engine.version\n"
        "assert 'numpy' not in sys.modules\n"
        "import services.forecaster.engine.warm_up as worker\n"
        "worker.warm_up()\n"
        "assert not {'grpc', 'redis', 'statsmodels', 'scipy', 'pandas'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=100)


def test_every_collected_export_gives_a_complete_bundle() -> None:
    assert give_whole_bundles(read_collected()) > 200


@pytest.mark.skipif(not (EXPORTS / "INDEX.csv").exists(), reason="the real exports are not beside this checkout")
def test_every_real_export_gives_a_complete_bundle() -> None:
    assert give_whole_bundles(read_exports()) > 250


def give_whole_bundles(exports: Iterable[ExportedSeries]) -> int:
    walked = 0
    for exported in exports:
        series = term_series(exported.values, exported.timeframe, start=exported.first.replace(day=1), partial=True)
        check(series, forecast_term(series, EngineSetting.FULL if walked % 5 == 0 else EngineSetting.NAIVE))
        walked += 1
    return walked
