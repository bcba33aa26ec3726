"""What the forecaster is asked for and answers, in plain Python."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.common.comparison import ComparisonKey
from services.jobs.job import WarmupJob


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


@dataclass(frozen=True)
class ForecastPoint:
    """One period of a forecast, in points of the 0–100 scale."""

    time: datetime
    value: float
    lower80: float
    upper80: float
    lower95: float
    upper95: float


@dataclass(frozen=True)
class TermForecast:
    """What is kept of one term's bundle."""

    term: str
    forecast_hash: str
    direction: str
    points: tuple[ForecastPoint, ...]


@dataclass(frozen=True)
class GeneratedForecasts:
    """The answer of a run: both bundles are written and were read back."""

    engine_version: str
    generated_at: datetime
    adopted: bool
    term_a: TermForecast
    term_b: TermForecast


@dataclass(frozen=True)
class ForecasterInfo:
    """What a forecaster says of itself."""

    engine_version: str
    worker_slots: int


# What a run hears from the forecaster: None for each beat, the forecasts last.
Generation = AsyncGenerator["GeneratedForecasts | None", None]


class Forecaster(Protocol):
    """The forecaster as jobs sees it. Every method raises WarmcastError."""

    def generate(self, job: WarmupJob, snapshot: SnapshotSeries) -> Generation:
        """Computes both bundles under the job's lease."""
        ...

    async def missing(self, snapshots: Sequence[SnapshotRef]) -> list[bool]:
        """For each snapshot, whether one of its bundles or both are gone. At most 500."""
        ...

    async def record_failure(self, job: WarmupJob) -> None:
        """Keeps the job's error under its debugging keys, best effort."""
        ...

    async def describe(self) -> ForecasterInfo:
        """Its engine version and worker slots."""
        ...
