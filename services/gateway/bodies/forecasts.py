"""The forecaster's bundles, for the OpenAPI document: the gateway inserts them byte for byte."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.gateway.bodies.fields import Moment, Percent, one_of

_WARNING = one_of(
    ("low_confidence", "insufficient_data", "high_volatility", "anomaly_detected", "data_quality_concern")
)


class ForecastPoint(msgspec.Struct):
    """One period ahead, with its intervals."""

    date: str
    value: Percent
    lower80: Percent
    upper80: Percent
    lower95: Percent
    upper95: Percent


class Outlook(msgspec.Struct, rename="camel"):
    """Summary of the first 14 or 30 days of the horizon."""

    average_value: float
    confidence: float
    key_points: list[str]
    warnings: list[Annotated[str, _WARNING]]


class BacktestMetrics(msgspec.Struct):
    """From a backtest; null where the series is too short for one."""

    mae: float | None
    mase: float | None
    smape: float | None
    coverage80: float | None
    coverage95: float | None
    windows: Annotated[int, Meta(description="forecasts that were compared with actual values")]


class QualityFlags(msgspec.Struct, rename="camel"):
    """Properties of the series."""

    series_too_short: bool
    too_spiky: bool
    event_shock_likely: bool
    mostly_zero: bool
    partial_last_period: bool
    gaps_filled: bool
    scaled_apart: bool
    recent_launch: bool | UnsetType = UNSET  # absent before engine version 8
    level_shift: bool | UnsetType = UNSET


class DataFreshness(msgspec.Struct, rename="camel"):
    """When and where the data were exported."""

    last_updated_at: Moment
    source: str


class ForecastBundle(msgspec.Struct, rename="camel"):
    """The forecast of one term."""

    term: str
    label: Annotated[str, one_of(("termA", "termB"))]
    direction: Annotated[str, one_of(("rising", "falling", "stable", "volatile"))]
    frequency: str
    horizon: Annotated[int, Meta(description="periods ahead")]
    points: list[ForecastPoint]
    forecast14_day: Outlook
    forecast30_day: Outlook
    method: str
    metrics: BacktestMetrics
    confidence: Percent
    quality_flags: QualityFlags
    warnings: list[Annotated[str, _WARNING]]
    forecast_hash: str
    generated_at: Moment
    data_freshness: DataFreshness
    engine_version: str
    known_since: Annotated[
        str | UnsetType | None,
        Meta(description="date of a launch or of the last lasting change of level; null without one"),
    ] = UNSET  # absent before engine version 8


class MarginPoint(msgspec.Struct, rename="camel"):
    """termB less termA in one period ahead, from the joint forecast of both terms, in points."""

    date: Annotated[str, Meta(description="a date of the horizon")]
    value: Annotated[float, Meta(description="median of the margin")]
    lower80: Annotated[float, Meta(description="lower end of the 80 % interval")]
    upper80: Annotated[float, Meta(description="upper end of the 80 % interval")]
    lower95: Annotated[float, Meta(description="lower end of the 95 % interval")]
    upper95: Annotated[float, Meta(description="upper end of the 95 % interval")]
    lead_probability: Annotated[Percent, Meta(description="of termB ahead of termA; a tie counts half")]


class HeadToHead(msgspec.Struct, rename="camel"):
    """Both terms over the horizon, termB seen from termA."""

    winner_probability: Annotated[Percent, Meta(description="of a higher mean of termB over the horizon, in percent")]
    expected_margin: Annotated[float, Meta(description="termB less termA, in points")]
    lead_change_risk: Annotated[str, one_of(("low", "medium", "high"))]
    current_margin: float
    crossover_date: str | None
    margin: Annotated[list[MarginPoint] | UnsetType, Meta(description="one for each date of the horizon")] = (
        UNSET  # absent before engine version 9
    )
