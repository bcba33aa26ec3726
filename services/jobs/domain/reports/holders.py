"""Processes that hold leases, and the runs that they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.common.comparison import ComparisonKey

MAX_HOLDERS, MAX_HELD_JOBS = 100, 20


@dataclass(frozen=True)
class HeldJob:
    """A running job."""

    job_id: int
    key: ComparisonKey
    lease_id: int
    attempt: int
    claimed_at: datetime | None
    lease_seconds: float  # left; 0 or below: expired


@dataclass(frozen=True)
class Holder:
    """A process with its runs."""

    name: str  # empty for rows that were written by hand
    running: int  # up to COUNT_CAP
    oldest_claimed_at: datetime | None
    jobs: tuple[HeldJob, ...]  # the first, those whose lease ends first

    @property
    def shortest_lease_seconds(self) -> float:
        """Of the lease that ends first."""
        return self.jobs[0].lease_seconds
