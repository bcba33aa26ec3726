"""The engine's inputs and outputs: plain values that can be pickled. Importing this module does not load numpy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

JsonObject = dict[str, object]  # accepted by json.dumps


class EngineSetting(StrEnum):
    """Which method computes the forecasts."""

    FULL = "full"
    NAIVE = "naive"  # cheap, for load tests: the last value, with its own backtest


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
class HeadToHeadInput:
    """What the head-to-head needs from one term's forecast. Values in points, 0 to 100."""

    dates: tuple[str, ...]  # of the horizon's periods, as in the bundle
    quantiles: tuple[tuple[float, ...], ...]  # per period: lower 95 %, lower 80 %, forecast, upper 80 %, upper 95 %
    window_errors: tuple[tuple[int, float], ...]  # backtest: (points known, error of the window's mean)
    last_value: float  # of the last complete period
    scaled_apart: bool


@dataclass(frozen=True)
class TermForecast:
    """One term's forecast: the contract's bundle without its timestamps, and the input of head-to-head and insights."""

    term: str
    label: str
    engine_version: str
    bundle: JsonObject
    head_to_head_input: HeadToHeadInput
    season_share: float  # probability that the season recurs, see UsableHistory


class Unforecastable(Exception):
    """The series cannot be forecast: a permanent failure.

    `reason` is one of UNKNOWN_TIMEFRAME, MALFORMED_SERIES, NOT_ASCENDING, NOT_FINITE, OUT_OF_RANGE, TOO_FEW_POINTS,
    TOO_MANY_POINTS; `detail` names the invalid value and its position.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
