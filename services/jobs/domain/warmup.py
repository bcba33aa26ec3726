"""The warmup of a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.comparison import ComparisonKey
from services.jobs.domain.job import WarmupJob
from services.jobs.domain.signals import Signals


@dataclass(frozen=True)
class Place:
    """The place of a queued or running job."""

    position: int  # 1 is next; 0: not queued
    wait_seconds: float  # until `not_before`
    running_seconds: float  # since the start of the run; 0 unless running
    mean_run_seconds: float | None  # of recent runs; None: there were none


@dataclass(frozen=True)
class WarmupView:
    """A comparison's current snapshot and its warmup job, by PostgreSQL's clock."""

    key: ComparisonKey
    terms: tuple[str, str]
    data_hash: str
    signals: tuple[Signals, Signals]
    previous_data_hash: str | None
    previous_engine_version: str | None
    job: WarmupJob | None
    place: Place | None  # None unless the job is queued or running
    overdue: bool
    deferred: bool  # queued behind the jobs that callers wait for
    cooldown_seconds: float  # 0 unless failed and cooling down


def eta_seconds(place: Place, *, worker_slots: int) -> float | None:
    """Seconds until the job is ready, to a tenth, from measured runs and worker slots; None when either is unknown."""
    if place.mean_run_seconds is None or worker_slots < 1:
        return None
    if place.position == 0:
        return max(0.0, round(place.mean_run_seconds - place.running_seconds, 1))
    rounds = -(-place.position // worker_slots)
    return round(place.wait_seconds + rounds * place.mean_run_seconds, 1)
