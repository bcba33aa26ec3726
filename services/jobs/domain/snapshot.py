"""A snapshot as a run and a forecaster see it, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.common.comparison import ComparisonKey


@dataclass(frozen=True)
class SnapshotRef:
    """What names the bundles of one snapshot, and the engine that they were made with, if known."""

    key: ComparisonKey
    terms: tuple[str, str]
    data_hash: str
    engine_version: str | None = None


@dataclass(frozen=True)
class SnapshotSeries:
    """One immutable snapshot, as it is sent to be forecast."""

    ref: SnapshotRef
    times: tuple[datetime, ...]
    values_a: tuple[float, ...]
    values_b: tuple[float, ...]
    partial_last_period: bool
    scaled_apart: bool
    gaps_filled: bool
    source: str
    as_of: datetime
