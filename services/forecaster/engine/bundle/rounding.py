"""Rounding and hashing of the bundle's numbers."""

from __future__ import annotations

import hashlib
import json

from services.forecaster.engine.types import JsonObject

DECIMALS = 4


def rounded(value: float) -> float:
    """Four decimals, and no negative zero. Rounding keeps order, so intervals stay nested."""
    return round(float(value), DECIMALS) + 0.0


def rounded_or_none(value: float | None) -> float | None:
    """The same, or None for a value that was not measured."""
    return None if value is None else rounded(value)


def forecast_hash(numbers: JsonObject) -> str:
    """The first 16 hex digits of SHA-256 over the canonical JSON."""
    canonical = json.dumps(numbers, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
