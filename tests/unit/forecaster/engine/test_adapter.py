"""The engine on arbitrary series."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from services.forecaster.engine import forecast
from services.forecaster.engine.term import forecast_term
from tests.unit.forecaster.engine.series import seasonal, term_series, wandering

WALK = wandering(60)
DAYS = [f"day {number}" for number in range(60)]


@pytest.mark.parametrize(("timeframe", "count", "freq", "h"), [("12m", 52, "W-SUN", 13), ("3m", 90, "D", 14)])
def test_the_adapter_gives_the_numbers_of_the_bundle(timeframe: str, count: int, freq: str, h: int) -> None:
    series = term_series(wandering(count), timeframe)
    points = forecast_term(series).bundle["points"]
    made = forecast(series.values, series.times, freq, h)
    assert isinstance(points, list)
    for ours, theirs in {"mean": "value", "lo80": "lower80", "hi95": "upper95"}.items():
        assert made[ours] == pytest.approx([point[theirs] for point in points], abs=1e-4)  # type: ignore[literal-required] # a key of QuantileForecast


@pytest.mark.parametrize(("freq", "h"), [("h", 48), ("hourly", 1), ("D", 14), ("W", 26), ("MS", 12), ("ME", 100)])
def test_pandas_frequency_names_and_any_horizon_are_accepted(freq: str, h: int) -> None:
    made = forecast(WALK, DAYS, freq, h)
    ladder = np.stack([made["lo95"], made["lo80"], made["mean"], made["hi80"], made["hi95"]])
    assert ladder.shape == (5, h)
    assert (np.diff(ladder, axis=0) >= 0).all()


def test_values_above_100_keep_their_magnitude() -> None:
    trip = [1000 * value for value in seasonal(300, 52)]
    made = forecast(trip, range(300), "W", 13)
    actual = np.array([1000 * value for value in seasonal(313, 52)[300:]])
    assert made["mean"] == pytest.approx(actual, rel=0.1)
    assert ((made["lo95"] <= actual) & (actual <= made["hi95"])).all()


def test_negative_values_are_forecast() -> None:
    made = forecast([value - 50 for value in WALK], DAYS, "D", 14)
    assert made["mean"] == pytest.approx(WALK[-1] - 50, abs=15)
    assert (made["lo95"] < made["mean"]).all()


def test_bounds_can_be_disabled() -> None:
    rising = [float(value) for value in range(40, 100)]
    assert forecast(rising, DAYS, "W", 26)["hi95"].max() <= 100
    assert forecast(rising, DAYS, "W", 26, bounded=False)["hi95"].max() > 100


@pytest.mark.parametrize("values", [[150.0], [150.0] * 60, [-7.0] * 60, [1e100] * 60])
def test_a_constant_series_has_intervals_of_some_width(values: list[float]) -> None:
    made = forecast(values, range(len(values)), "W", 13)
    assert made["mean"] == pytest.approx(values[0])
    width = made["hi95"] - made["lo95"]
    assert (width > 0.001 * abs(values[0])).all()
    assert (width < abs(values[0])).all()


def test_intervals_of_a_volatile_short_series_stay_finite_in_magnitude() -> None:
    wild = [10e3, 500e3, 20e3, 800e3, 5e3, 300e3, 60e3, 900e3]
    made = forecast(wild, range(8), "h", 26)
    assert max(wild) < made["hi95"].max() < 30 * max(wild)


@pytest.mark.parametrize(
    ("values", "freq", "h", "bounded", "message"),
    [
        (WALK, "Q", 4, None, "unknown frequency “Q”"),
        (WALK[:-1], "D", 4, None, "59 values, but 60 timestamps"),
        ([*WALK[:-1], float("nan")], "D", 4, None, "value 59 is not a finite number"),
        ([*WALK[:-1], -1e200], "D", 4, None, "value 59 is beyond 1e\\+100"),
        (WALK, None, 4, None, "unknown frequency “None”"),
        (WALK, "D", 0, None, "h is 0"),
        (WALK, "D", 2.0, None, "h is 2.0; it is a whole number"),
        ([*WALK[:-1], 101.0], "D", 4, True, "within 0 to 100"),
    ],
)
def test_an_invalid_argument_is_named(
    values: list[float],
    freq: Any,  # deliberately untyped
    h: Any,
    bounded: bool | None,
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        forecast(values, DAYS, freq, h, bounded=bounded)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one number"):
        forecast([], [], "D", 4)


def test_importing_the_engine_does_not_load_numpy() -> None:
    code = "import sys\nfrom services.forecaster.engine import forecast\nassert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
