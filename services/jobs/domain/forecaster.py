"""What the forecaster is asked for and answers, in plain Python."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
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
    """What the replicas of the forecaster offer together."""

    engine_version: str
    worker_slots: int  # 0: none takes runs
    cause: str = ""  # why replicas take no runs; empty: all do
    replicas: int = 1  # that take runs


# What a run hears from the forecaster: None for each beat, the forecasts last.
Generation = AsyncGenerator["GeneratedForecasts | None", None]


class Forecaster(Protocol):
    """The forecaster as jobs sees it. Every method raises WarmcastError."""

    def generate(self, job: ClaimedJob) -> Generation:
        """Computes both bundles of the job's snapshot under its lease."""
        ...

    async def missing(self, keys: Sequence[ForecastKey]) -> list[bool]:
        """For each key, whether at least one of its two bundles is missing. At most 500."""
        ...

    async def record_failure(self, job: WarmupJob) -> None:
        """Keeps the job's error under its debugging keys, best effort."""
        ...

    async def describe(self) -> ForecasterInfo:
        """What all replicas offer; raises UNAVAILABLE with the cause while none takes runs. Answers at once."""
        ...
