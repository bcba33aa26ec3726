"""The insights of a pair as the contract's JSON, which caches and callers pass on unparsed."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from services.forecaster.insights.as_json import as_json
from services.forecaster.insights.types import PairInsights


@dataclass(frozen=True)
class EncodedInsights:
    """JSON values. All are `null` for a pair without insights."""

    term_a: bytes = b"null"
    term_b: bytes = b"null"
    together: bytes = b"null"  # also for terms that are scaled apart
    interpretations: bytes = b"null"  # an array


NO_INSIGHTS = EncodedInsights()


def encode(insights: PairInsights) -> EncodedInsights:
    """The JSON of each part."""
    parts = (insights.term_a, insights.term_b, insights.together, insights.interpretations)
    return EncodedInsights(*(msgspec.json.encode(as_json(part)) for part in parts))
