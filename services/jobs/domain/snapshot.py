"""Snapshots: the two series of a comparison, immutable and named by their data hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.common.comparison import ComparisonKey, SnapshotKey


@dataclass(frozen=True)
class Series:
    """Two terms' values at the same times."""

    times: tuple[datetime, ...]  # UTC-aware period starts, ascending, one step apart
    values_a: tuple[float, ...]  # of the first term in slug order, 0 to 100
    values_b: tuple[float, ...]
    partial_last_period: bool  # the last period was not over when the data were taken
    scaled_apart: bool  # the two series come from two exports, each on a scale of its own

    def complete(self) -> Series:
        """Without a partial last period."""
        if not self.partial_last_period:
            return self
        return Series(self.times[:-1], self.values_a[:-1], self.values_b[:-1], False, self.scaled_apart)


@dataclass(frozen=True)
class Snapshot(Series):
    """The series of a comparison as imported."""

    slug: str
    terms: tuple[str, str]  # in slug order
    timeframe: str
    geo: str  # ISO 3166; "" is worldwide
    data_hash: str
    gaps_filled: bool
    source: str
    as_of: datetime  # when the data were taken

    @property
    def comparison(self) -> ComparisonKey:
        """The comparison that it belongs to."""
        return ComparisonKey(self.slug, self.timeframe, self.geo)

    @property
    def key(self) -> SnapshotKey:
        """What names it."""
        return SnapshotKey(self.slug, self.timeframe, self.geo, self.data_hash)


@dataclass(frozen=True)
class ImportedData:
    """What is known of imported data before two terms are chosen."""

    timeframe: str
    geo: str
    times: tuple[datetime, ...]
    partial_last_period: bool
    geo_assumed: bool  # neither the caller nor each file names a place
    cleaned: tuple[tuple[str, int], ...]  # what was cleaned, and how often
    as_of: datetime


@dataclass(frozen=True)
class ImportedSnapshot(Snapshot):
    """A snapshot with what its import had to correct or assume."""

    geo_assumed: bool  # neither the caller nor each file names a place
    cleaned: tuple[tuple[str, int], ...]  # (what was cleaned, how often), by name


@dataclass(frozen=True)
class ForecastKey:
    """Names the two bundles of one snapshot in the cache."""

    snapshot: SnapshotKey
    terms: tuple[str, str]
    engine_version: str | None = None  # of the engine that computed them, if known
