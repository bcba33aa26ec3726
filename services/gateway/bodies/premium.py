"""The premium answer, and the event that says when it changes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.common.job_status import JobStatus
from services.gateway.bodies.fields import REF, DataHash, Geo, Slug, Terms, Timeframe, one_of
from services.gateway.bodies.signals import Signals

_WarmupStatus = Annotated[str, one_of(status for status in JobStatus if status is not JobStatus.CANCELLED)]
_Available = Annotated[bool, Meta(description="both bundles are available")]
_Stale = Annotated[bool, Meta(description="the forecasts are over 24 h old, of an older snapshot, or a stale copy")]
_DEBUG = Meta(description="only with DEBUG_API_HEADERS")


_Raw = msgspec.Raw | UnsetType


def _raw(schema: dict[str, object], description: str = "", *, nullable: bool = True) -> Meta:
    alternatives: dict[str, object] = {"oneOf": [schema, {"type": "null"}]} if nullable else schema
    return Meta(description=description or None, extra_json_schema=alternatives)


def _ref(name: str) -> dict[str, object]:
    return {"$ref": REF.format(name=name)}


class BothForecasts(msgspec.Struct, rename="camel"):
    """Null until available; headToHead is also null when the terms are scaledApart."""

    term_a: Annotated[_Raw, _raw(_ref("ForecastBundle"))] = UNSET
    term_b: Annotated[_Raw, _raw(_ref("ForecastBundle"))] = UNSET
    head_to_head: Annotated[_Raw, _raw(_ref("HeadToHead"))] = UNSET


class Insights(msgspec.Struct, rename="camel"):
    """Insights about each term, and about both together."""

    term_a: Annotated[msgspec.Raw, _raw(_ref("TermInsights"), nullable=False)]
    term_b: Annotated[msgspec.Raw, _raw(_ref("TermInsights"), nullable=False)]
    together: Annotated[msgspec.Raw, _raw(_ref("Together"), "null where the terms are scaledApart")]


class InsightsPack(msgspec.Struct):
    """Forecasts, signals and insights. A member that `fields` does not name is absent."""

    forecasts: BothForecasts | UnsetType = UNSET
    signals: Signals | UnsetType = UNSET
    insights: Annotated[
        Insights | UnsetType | None,
        Meta(description="null until available, for bundles of engine version 8 and before, and if they failed"),
    ] = UNSET
    interpretations: Annotated[
        _Raw,
        _raw(
            {"type": "array", "items": _ref("Interpretation"), "minItems": 3, "maxItems": 8},
            "the most important first; null where insights is",
        ),
    ] = UNSET


class CacheKeys(msgspec.Struct, rename="camel"):
    """Keys of the bundles in Redis."""

    term_a_key: str
    term_b_key: str


class Premium(msgspec.Struct, rename="camel"):
    """The premium answer."""

    slug: Slug
    terms: Terms
    timeframe: Timeframe
    geo: Geo
    data_hash: DataHash
    is_premium: Annotated[bool, Meta(extra_json_schema={"const": True})]
    warmup_status: _WarmupStatus
    forecast_available: _Available
    needs_warmup: Annotated[bool, Meta(description="the opposite of forecastAvailable")]
    warmup_triggered: Annotated[bool, Meta(description="this call enqueued")]
    stale: _Stale
    refreshing: Annotated[bool, Meta(description="newer forecasts are being computed")]
    insights_pack: InsightsPack
    forecasts_data_hash: Annotated[
        str | UnsetType, Meta(description="only when the forecasts are those of an older snapshot: its hash")
    ] = UNSET
    queue_position: Annotated[
        int | UnsetType | None, Meta(description="only while unsettled; 1 is next; null while running")
    ] = UNSET
    eta_seconds: Annotated[float | UnsetType | None, Meta(description="only while unsettled; null when unknown")] = (
        UNSET
    )
    warmup_debug_id: Annotated[str | UnsetType | None, _DEBUG] = UNSET
    last_warmup_error: Annotated[str | UnsetType | None, _DEBUG] = UNSET
    forecast_cache_keys_used: Annotated[CacheKeys | UnsetType, _DEBUG] = UNSET


class StatusEvent(msgspec.Struct, rename="camel"):
    """The data of one event: the premium answer without its forecasts."""

    slug: Slug
    timeframe: Timeframe
    geo: Geo
    data_hash: DataHash
    warmup_status: _WarmupStatus
    forecast_available: _Available
    stale: _Stale
    queue_position: Annotated[int | None, Meta(description="1 is next; null unless queued")]
    eta_seconds: Annotated[float | None, Meta(description="until it is ready; null when unknown or settled")]
