"""What goes into the engine and what comes out: plain values that cross processes. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

JsonObject = dict[str, object]  # what json.dumps takes as it is


class EngineSetting(StrEnum):
    """How much work a forecast is worth."""

    FULL = "full"
    NAIVE = "naive"  # the cheap one, for load tests: naive alone, with its own backtest


@dataclass(frozen=True)
class TermSeries:
    """One term of a snapshot."""

    term: str
    label: str  # termA or termB
    timeframe: str  # one of services.common.comparison.TIMEFRAMES
    times: tuple[datetime, ...]  # starts of the periods, UTC, ascending
    values: tuple[float, ...]  # one per time, 0 to 100
    partial_last_period: bool
    scaled_apart: bool
    gaps_filled: bool


@dataclass(frozen=True)
class Outlook:
    """What a comparison of two terms needs to know of one, beside its bundle. Values in points, 0 to 100."""

    dates: tuple[str, ...]  # of the horizon's periods, as in the bundle
    quantiles: tuple[tuple[float, ...], ...]  # per period: lower 95 %, lower 80 %, forecast, upper 80 %, upper 95 %
    window_errors: tuple[tuple[int, float], ...]  # backtest: (points known, error of the window's mean)
    last_value: float  # of the last whole period
    scaled_apart: bool


@dataclass(frozen=True)
class TermForecast:
    """One term's forecast: the contract's bundle without its times of making, JSON-ready, and what a pair needs."""

    term: str
    label: str
    engine_version: str
    bundle: JsonObject
    outlook: Outlook


class Unforecastable(Exception):
    """No forecast can be made of this series, now or later: a permanent failure.

    `reason` is one of UNKNOWN_TIMEFRAME, MALFORMED_SERIES, NOT_ASCENDING, NOT_FINITE, OUT_OF_RANGE, TOO_FEW_POINTS,
    TOO_MANY_POINTS; `detail` names what is wrong and where.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
