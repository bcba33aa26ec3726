"""When forecasts are stale. Premium answers follow this rule in the forecaster, reports of coverage in jobs."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from services.common.engine_version import engine_number

FRESH_FOR = timedelta(hours=24)  # up to and including
RETAINED_FOR = timedelta(days=7)  # shorter than; then they are missing


class Staleness(StrEnum):
    """Why forecasts are stale."""

    AGE = "age"
    ENGINE_VERSION = "engine-version"  # an older engine made them
    SNAPSHOT = "snapshot"  # they are of the snapshot before the current one


# By which comparisons are filtered; `stale` is for any reason.
FRESHNESS_FILTERS = ("fresh", "stale", *(f"stale-{each}" for each in Staleness), "cold")


def staleness(age: timedelta, *, engine_version: str, own_version: str) -> Staleness | None:
    """Why retained forecasts of the current snapshot are stale; None: they are fresh.

    Those of a newer engine are judged by their age; otherwise two releases side by side would recompute each other's.
    """
    if engine_number(engine_version) < engine_number(own_version):
        return Staleness.ENGINE_VERSION
    return Staleness.AGE if age > FRESH_FOR else None
