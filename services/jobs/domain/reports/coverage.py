"""Coverage: which comparisons have forecasts, until when, and how often they are requested."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from services.common.job_status import JobStatus
from services.jobs.domain.comparison import ListedComparison

# The same as in services/forecaster/cache/freshness.py.
FRESH_FOR = timedelta(hours=24)
WARM_FOR = timedelta(days=7)
COUNTED = 10_000  # the most popular comparisons, which a summary counts


class CoverageState(StrEnum):
    """The state of a comparison's forecasts, as far as jobs knows: the cache may have lost them earlier."""

    FRESH = "fresh"
    STALE = "stale"  # also while only the snapshot before has forecasts
    COLD = "cold"


FAILED = "failed"  # a filter beside the states: the current snapshot's job has failed


@dataclass(frozen=True)
class CoverageFilter:
    """Which comparisons; empty texts and None match all."""

    state: str = ""  # of CoverageState, or FAILED
    query: str = ""  # the beginning of either term, or a part of the slug, in slug form
    timeframe: str = ""
    geo: str | None = None
    requested: bool = False  # only those requested in the last days


class CoverageCursor(NamedTuple):
    """A place in the order by popularity."""

    popularity: float
    comparison_id: int


@dataclass(frozen=True)
class CoveredComparison:
    """One comparison with the state of its forecasts and its demand."""

    cursor: CoverageCursor
    listed: ListedComparison
    state: CoverageState
    status: JobStatus | None  # of the current snapshot's job; None without one
    job_id: int | None
    last_ready_at: datetime | None
    fresh_until: datetime | None
    warm_until: datetime | None  # served stale until then
    demand: float  # decayed until now
    last_requested_at: datetime | None


@dataclass(frozen=True)
class CoveragePage:
    """A page of comparisons, most popular first. It may be short, and still have one after it."""

    comparisons: list[CoveredComparison]
    after: CoverageCursor | None  # the place of the next page; None: there is none


@dataclass(frozen=True)
class CoverageCount:
    """Comparisons by the state of their forecasts."""

    fresh: int = 0
    stale: int = 0
    cold: int = 0

    @property
    def comparisons(self) -> int:
        """All of them."""
        return self.fresh + self.stale + self.cold

    def __add__(self, other: CoverageCount) -> CoverageCount:
        return CoverageCount(self.fresh + other.fresh, self.stale + other.stale, self.cold + other.cold)


@dataclass(frozen=True)
class CoverageSummary:
    """Counts over the COUNTED most popular comparisons."""

    all: CoverageCount
    requested: CoverageCount  # in the last days
    timeframes: dict[str, CoverageCount]  # every timeframe
