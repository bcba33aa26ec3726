"""The forecaster as jobs calls it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.jobs.domain.job import ClaimedJob, WarmupJob
from services.jobs.domain.snapshot import ForecastKey


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
    """The part of one term's bundle that jobs keeps."""

    term: str
    forecast_hash: str
    direction: str
    points: tuple[ForecastPoint, ...]
    confidence: float | None = None  # of the direction, 0 to 100; None: a forecaster of an earlier release


@dataclass(frozen=True)
class GeneratedForecasts:
    """The result of a run. Both bundles were written and read back."""

    engine_version: str
    generated_at: datetime
    adopted: bool
    term_a: TermForecast
    term_b: TermForecast


class CacheState(StrEnum):
    """Whether a replica of the forecaster can use its cache."""

    WRITABLE = "writable"
    UNAVAILABLE = "unavailable"
    REFUSES_WRITES = "refuses-writes"
    UNKNOWN = "unknown"  # the replica does not answer


@dataclass(frozen=True)
class ForecasterInfo:
    """The combined capacity of all forecaster replicas."""

    engine_version: str
    worker_slots: int  # 0: no replica accepts runs
    cause: str = ""  # why replicas accept no runs; empty: all do
    replicas: int = 1  # that accept runs


@dataclass(frozen=True)
class ForecasterReplica:
    """One replica of the forecaster, as its last answer described it."""

    address: str
    engine_version: str  # empty while it accepts no runs, as 0 slots
    worker_slots: int
    busy_slots: int
    cause: str  # why it accepts no runs; empty if it does
    cache_state: CacheState


# Events of a run: None for each heartbeat, the forecasts last.
Generation = AsyncGenerator["GeneratedForecasts | None", None]


class Forecaster(Protocol):
    """Every method raises WarmcastError."""

    def generate(self, job: ClaimedJob) -> Generation:
        """Computes both bundles of the job's snapshot under its lease."""
        ...

    async def missing(self, keys: Sequence[ForecastKey]) -> list[bool]:
        """For each key, whether at least one of its two bundles is missing. At most 500."""
        ...

    async def record_failure(self, job: WarmupJob) -> None:
        """Writes the job's error to its debugging keys, best effort."""
        ...

    async def describe(self) -> ForecasterInfo:
        """The last known capacity, without a call. Raises UNAVAILABLE with the cause while no replica accepts runs."""
        ...

    def replicas(self) -> list[ForecasterReplica]:
        """Every replica by its last answer, without a call."""
        ...
