"""Coverage: which comparisons have forecasts, until when, and how often they are requested."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.common.freshness import Staleness
from services.common.job_status import JobStatus
from services.jobs.domain.comparison import ListedComparison

COUNTED = 10_000  # the most popular comparisons, which a summary counts


class CoverageState(StrEnum):
    """The state of a comparison's forecasts, as far as jobs knows: the cache may have lost them earlier."""

    FRESH = "fresh"
    STALE_AGE = f"stale-{Staleness.AGE}"
    STALE_ENGINE_VERSION = f"stale-{Staleness.ENGINE_VERSION}"
    STALE_SNAPSHOT = f"stale-{Staleness.SNAPSHOT}"
    COLD = "cold"

    @property
    def staleness(self) -> Staleness | None:
        """Why the forecasts are stale; None for other states."""
        return Staleness(self.removeprefix("stale-")) if self.startswith("stale-") else None

    @property
    def name_of_any(self) -> str:
        """`stale` whatever the reason is, or the name of the state."""
        return STALE if self.staleness else self.value


# Filters beside the states.
STALE = "stale"  # for any reason
FAILED = "failed"  # the current snapshot's job has failed


@dataclass(frozen=True)
class CoverageFilter:
    """Which comparisons; empty texts and None match all."""

    state: str = ""  # of CoverageState, STALE or FAILED
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
    fresh_until: datetime | None  # None for those of an older engine, which are not
    warm_until: datetime | None  # served stale until then
    demand: float  # decayed until now
    last_requested_at: datetime | None


@dataclass(frozen=True)
class CoveragePage:
    """A page of comparisons, most popular first. It may be short, and still have one after it."""

    comparisons: list[CoveredComparison]
    after: CoverageCursor | None  # the place of the next page; None: there is none
    engine_version: str  # that states are judged by; empty while no forecaster is known


@dataclass(frozen=True)
class CoverageCount:
    """Comparisons by the state of their forecasts."""

    fresh: int = 0
    stale_age: int = 0
    stale_engine_version: int = 0
    stale_snapshot: int = 0
    cold: int = 0

    @property
    def stale(self) -> int:
        """For any reason."""
        return self.stale_age + self.stale_engine_version + self.stale_snapshot

    @property
    def comparisons(self) -> int:
        """All of them."""
        return self.fresh + self.stale + self.cold

    def __add__(self, other: CoverageCount) -> CoverageCount:
        return CoverageCount(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class CoverageSummary:
    """Counts over the COUNTED most popular comparisons."""

    all: CoverageCount
    requested: CoverageCount  # in the last days
    timeframes: dict[str, CoverageCount]  # every timeframe
    engine_version: str  # as of CoveragePage
