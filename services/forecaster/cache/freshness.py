"""Freshness of bundles by age: fresh, stale, missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from services.common.freshness import RETAINED_FOR, staleness
from services.forecaster.cache.bundles import BundlePair

_MAX_CLOCK_SKEW = timedelta(minutes=5)  # a bundle further in the future is stale


class Freshness(IntEnum):
    """Freshness of a pair of bundles, in ascending order."""

    MISSING = 0
    STALE = 1
    FRESH = 2


def assess_freshness(pair: BundlePair | None, *, now: datetime, own_version: str) -> Freshness:
    """Fresh up to and including 24 h of age, stale below 7 d, then missing. An older engine's pair is stale at best.

    A pair from the future is stale, because its age is unknown.
    """
    if pair is None or now - pair.generated_at >= RETAINED_FOR:
        return Freshness.MISSING
    age = now - pair.generated_at
    if age < -_MAX_CLOCK_SKEW or staleness(age, engine_version=pair.engine_version, own_version=own_version):
        return Freshness.STALE
    return Freshness.FRESH
