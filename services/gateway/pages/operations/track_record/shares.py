"""Shares as text."""

from __future__ import annotations

from warmcast.jobs.v1 import jobs_pb2


def percent(share: float) -> str:
    """A share of 0 to 1; `>99 %` and `<1 %` where rounding would claim all or none."""
    if 0.99 < share < 1:
        return ">99 %"
    return "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def percents(stats: jobs_pb2.TrustStats, name: str) -> float | None:
    """A share of the message in percent; None where nothing was scored."""
    return 100 * float(getattr(stats, name)) if stats.HasField(name) else None  # type: ignore[arg-type] # a literal


def figure(stats: jobs_pb2.TrustStats, name: str) -> float | None:
    """A figure of the message; None where nothing was scored."""
    return float(getattr(stats, name)) if stats.HasField(name) else None  # type: ignore[arg-type] # same
