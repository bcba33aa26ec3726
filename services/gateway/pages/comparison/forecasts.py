"""Decodes the JSON of forecasts and insights for the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec
import structlog

from services.gateway.bodies.forecasts import ForecastBundle, HeadToHead
from services.gateway.bodies.insights import Interpretation, TermInsights
from services.gateway.premium.answer import Forecasts

log = structlog.get_logger()

Part = TypeVar("Part")


@dataclass(frozen=True)
class DecodedForecasts:
    """Both bundles and what was computed with them; None for what older bundles do not have."""

    bundles: tuple[ForecastBundle, ForecastBundle]
    head_to_head: HeadToHead | None
    insights: tuple[TermInsights | None, TermInsights | None]
    interpretations: list[Interpretation]

    @property
    def generated_at(self) -> datetime:
        """When the forecasts were made."""
        return self.bundles[0].generated_at


def decode(forecasts: Forecasts | None) -> DecodedForecasts | None:
    """Decodes one answer's forecasts; None without forecasts, and for those of a much newer or older engine."""
    if forecasts is None:
        return None
    try:
        return _decode(forecasts)
    except msgspec.DecodeError as error:
        log.warning("forecasts have another shape; the history is shown alone", error=str(error))
        return None


def _decode(forecasts: Forecasts) -> DecodedForecasts:
    return DecodedForecasts(
        bundles=(_BUNDLE.decode(forecasts.term_a), _BUNDLE.decode(forecasts.term_b)),
        head_to_head=_optional(_HEAD_TO_HEAD, forecasts.head_to_head),
        insights=(_optional(_INSIGHTS, forecasts.insights_a), _optional(_INSIGHTS, forecasts.insights_b)),
        interpretations=_optional(_INTERPRETATIONS, forecasts.interpretations) or [],
    )


_BUNDLE = msgspec.json.Decoder(ForecastBundle)
_HEAD_TO_HEAD = msgspec.json.Decoder(HeadToHead | None)
_INSIGHTS = msgspec.json.Decoder(TermInsights | None)
_INTERPRETATIONS = msgspec.json.Decoder(list[Interpretation] | None)


def _optional(decoder: msgspec.json.Decoder[Part | None], encoded: bytes) -> Part | None:
    """Empty bytes are of an older forecaster."""
    return decoder.decode(encoded) if encoded else None
