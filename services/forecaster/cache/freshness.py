"""How old a bundle may be: fresh, then stale, then gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from services.common.engine_version import engine_number
from services.forecaster.cache.bundles import BundlePair

FRESH_FOR = timedelta(hours=24)
RETAINED_FOR = timedelta(days=7)
_MAX_CLOCK_SKEW = timedelta(minutes=5)  # at most; what is younger was made under a wrong clock, and is made again


class Freshness(IntEnum):
    """What a pair of bundles is worth to a reader, in ascending order."""

    MISSING = 0
    STALE = 1
    FRESH = 2


def assess_freshness(pair: BundlePair | None, *, now: datetime, own_version: str) -> Freshness:
    """Fresh up to and including 24 h of age, stale before 7 d, then missing; an older engine's is stale at best.

    One from the future is stale too: its age is not known. A newer engine's is fresh by its age: if it were stale here,
    two releases side by side would recompute each other's bundles in turn.
    """
    if pair is None or now - pair.generated_at >= RETAINED_FOR:
        return Freshness.MISSING
    age = now - pair.generated_at
    older_engine = engine_number(pair.engine_version) < engine_number(own_version)
    if older_engine or age > FRESH_FOR or age < -_MAX_CLOCK_SKEW:
        return Freshness.STALE
    return Freshness.FRESH
