"""The history of jobs: attempts that have ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.common import errors
from services.common.errors import WarmcastError

_LONGEST_HOLDER = 80  # characters


class Outcome(StrEnum):
    """How an attempt ended."""

    READY = "ready"
    RETRY = "retry"  # with an error, and queued again
    FAILED = "failed"
    HANDED_BACK = "handed-back"  # not counted
    LEASE_EXPIRED = "lease-expired"
    DEADLINE_PASSED = "deadline-passed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # by newer data, or by a forced trigger


class Failure(NamedTuple):
    """Why an attempt ended without a result."""

    error_reason: str | None  # its kind, such as cache-read-only, by which operators filter
    error: str | None


@dataclass(frozen=True)
class Attempt:
    """One row of warmup_attempts. Times are UTC-aware, by PostgreSQL's clock."""

    job_id: int
    lease_id: int
    attempt: int  # in its episode
    reason: str  # of its episode
    holder: str | None
    due_at: datetime | None  # when it could have started
    claimed_at: datetime
    ended_at: datetime
    outcome: Outcome
    error_reason: str | None
    error: str | None
    engine_version: str | None
    debug_id: str
    trace_id: str  # 32 hexadecimal digits; empty if unknown
    adopted: bool
    refused_at: datetime | None  # when its late result was refused


def failure_of(error: WarmcastError) -> Failure:
    """The failure of an attempt by an error; one of the forecast cache has its cause in its reason."""
    cause = error.metadata.get(errors.CACHE_CAUSE)
    slug = error.reason.slug
    return Failure(f"cache-{cause}" if cause else slug, f"{slug}: {error.detail}")


def holder_name(host: str, random_part: str) -> str:
    """The name of a process in leases and in the history: its host, and a part that is new after a restart."""
    return f"{host[: _LONGEST_HOLDER - len(random_part) - 1]}-{random_part}"
