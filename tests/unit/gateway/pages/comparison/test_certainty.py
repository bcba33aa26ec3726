"""How much to believe a forecast, in words."""

from __future__ import annotations

import json

import msgspec
import pytest

from services.gateway.bodies.forecasts import BacktestMetrics, ForecastBundle
from services.gateway.bodies.trust import TrustStats
from services.gateway.pages.comparison import certainty
from services.gateway.pages.words import FLAGS, WARNINGS, Named
from tests.integration.gateway.data import bundle

TEA, COFFEE = Named("tea", "a"), Named("coffee", "b")


def with_remarks(*warnings: str, **flags: bool) -> ForecastBundle:
    row = json.loads(bundle("tea", "termA"))
    row["qualityFlags"] |= flags
    return msgspec.convert({**row, "warnings": warnings}, ForecastBundle)


def metrics(mae: float | None, coverage: tuple[float, float] | None, windows: int) -> BacktestMetrics:
    inner, outer = coverage or (None, None)
    return BacktestMetrics(mae, None, None, inner, outer, windows)


def test_a_backtest_gives_its_error_and_what_its_bands_held() -> None:
    assert certainty.backtest(TEA, metrics(2.44, (0.79, 0.945), 24)) == certainty.Backtest(
        TEA, "2.4", "79\N{NO-BREAK SPACE}%", "94\N{NO-BREAK SPACE}%", 24
    )
    assert certainty.backtest(TEA, metrics(2.0, None, 1)) == certainty.Backtest(TEA, "2.0", "", "", 1)


@pytest.mark.parametrize("missing", [metrics(None, None, 3), metrics(2.0, None, 0)])
def test_a_short_series_has_no_backtest(missing: BacktestMetrics) -> None:
    assert certainty.backtest(TEA, missing) is None


def test_cautions_name_the_term_unless_they_hold_of_both() -> None:
    bundles = (
        with_remarks("low_confidence", tooSpiky=True, mostlyZero=True),
        with_remarks("low_confidence", "high_volatility", tooSpiky=True),
    )
    assert certainty.cautions((TEA, COFFEE), bundles) == [
        certainty.Caution(FLAGS["too_spiky"], ()),
        certainty.Caution(FLAGS["mostly_zero"], (TEA,)),
        certainty.Caution(WARNINGS["low_confidence"], ()),
        certainty.Caution(WARNINGS["high_volatility"], (COFFEE,)),
    ]


def test_a_track_record_gives_what_was_scored() -> None:
    scored = TrustStats(1_200, 30_000, 0.81, None, 0.76, 0.93, 3.0, 0.9)
    assert certainty.track_record(scored).replace("\N{NO-BREAK SPACE}%", " %") == (
        "Of this timeframe: 1,200 scored; the winner was right in 81 %; the dark band held 76 % of the values, "
        "where 80 % are promised."
    )
    assert "Nothing scored yet" in certainty.track_record(TrustStats(0, 0, None, None, None, None, None, None))
    assert certainty.track_record(None) == "Not available at the moment."
