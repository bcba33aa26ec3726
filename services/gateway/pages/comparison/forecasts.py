"""Decodes the JSON of forecasts and insights for the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from services.gateway.bodies.forecasts import ForecastBundle, HeadToHead
from services.gateway.bodies.insights import Interpretation, TermInsights, Together
from services.gateway.premium.answer import Forecasts

Part = TypeVar("Part")


@dataclass(frozen=True)
class DecodedForecasts:
    """Both bundles and what was computed with them; None for what older bundles do not have."""

    bundles: tuple[ForecastBundle, ForecastBundle]
    head_to_head: HeadToHead | None
    insights: tuple[TermInsights | None, TermInsights | None]
    together: Together | None
    interpretations: list[Interpretation]

    @property
    def generated_at(self) -> datetime:
        """When the forecasts were made."""
        return self.bundles[0].generated_at


def decode(forecasts: Forecasts) -> DecodedForecasts:
    """Decodes one answer's forecasts. Raises msgspec.DecodeError for JSON of another shape."""
    return DecodedForecasts(
        bundles=(_BUNDLE.decode(forecasts.term_a), _BUNDLE.decode(forecasts.term_b)),
        head_to_head=_optional(_HEAD_TO_HEAD, forecasts.head_to_head),
        insights=(_optional(_INSIGHTS, forecasts.insights_a), _optional(_INSIGHTS, forecasts.insights_b)),
        together=_optional(_TOGETHER, forecasts.together),
        interpretations=_optional(_INTERPRETATIONS, forecasts.interpretations) or [],
    )


_BUNDLE = msgspec.json.Decoder(ForecastBundle)
_HEAD_TO_HEAD = msgspec.json.Decoder(HeadToHead | None)
_INSIGHTS = msgspec.json.Decoder(TermInsights | None)
_TOGETHER = msgspec.json.Decoder(Together | None)
_INTERPRETATIONS = msgspec.json.Decoder(list[Interpretation] | None)


def _optional(decoder: msgspec.json.Decoder[Part | None], encoded: bytes) -> Part | None:
    """Empty bytes are of an older forecaster."""
    return decoder.decode(encoded) if encoded else None
