"""Freshness of bundles by age: fresh, stale, missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from services.common.engine_version import engine_number
from services.forecaster.cache.bundles import BundlePair

FRESH_FOR = timedelta(hours=24)
RETAINED_FOR = timedelta(days=7)
_MAX_CLOCK_SKEW = timedelta(minutes=5)  # a bundle further in the future is stale


class Freshness(IntEnum):
    """Freshness of a pair of bundles, in ascending order."""

    MISSING = 0
    STALE = 1
    FRESH = 2


def assess_freshness(pair: BundlePair | None, *, now: datetime, own_version: str) -> Freshness:
    """Fresh up to and including 24 h of age, stale below 7 d, then missing. An older engine's pair is stale at best.

    A pair from the future is stale, because its age is unknown. A newer engine's pair is fresh by its age; otherwise
    two releases side by side would recompute each other's bundles.
    """
    if pair is None or now - pair.generated_at >= RETAINED_FOR:
        return Freshness.MISSING
    age = now - pair.generated_at
    older_engine = engine_number(pair.engine_version) < engine_number(own_version)
    if older_engine or age > FRESH_FOR or age < -_MAX_CLOCK_SKEW:
        return Freshness.STALE
    return Freshness.FRESH
