"""The five states of a warmup job."""

from __future__ import annotations

from enum import StrEnum


class JobStatus(StrEnum):
    """Values as in PostgreSQL, REST and the command line, in the order in which they are listed.

    docs/explanation/state-machine.md draws the edges.
    """

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
