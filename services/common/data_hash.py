"""The hash that names an immutable snapshot: same data, same hash, on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from services.common.comparison import term_slug


def data_hash(
    *,
    terms: tuple[str, str],
    timeframe: str,
    geo: str,
    times: Sequence[datetime],
    values_a: Sequence[float],
    values_b: Sequence[float],
    partial_last_period: bool,
    scaled_apart: bool,
) -> str:
    """The first 16 hex digits of SHA-256 over the snapshot's canonical JSON.

    Times are UTC-aware period starts; values are points on 0 to 100, one per time.
    """
    document = {
        "geo": geo,
        "partialLastPeriod": partial_last_period,
        "points": [
            [time.astimezone(UTC).isoformat(), _number(a), _number(b)]
            for time, a, b in zip(times, values_a, values_b, strict=True)
        ],
        "scaledApart": scaled_apart,
        # The spelling of a term may differ from file to file; its slug does not.
        "terms": [term_slug(term) for term in terms],
        "timeframe": timeframe,
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _number(value: float) -> float:
    return float(value) + 0.0  # -0.0 becomes 0.0, 5 becomes 5.0
