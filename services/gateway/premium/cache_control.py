"""`Cache-Control` of premium answers."""

from __future__ import annotations

from services.common.job_status import JobStatus

SETTLED = "max-age=30, stale-while-revalidate=86400, stale-if-error=604800"
UNSETTLED = "no-store"


def cache_control(status: JobStatus, *, triggered: bool, private: bool) -> str:
    """The header's value; `triggered` means that this call enqueued.

    A failed answer is not cached: a stored copy would hide the enqueue after the cool-down and its outcome. An answer
    with `warmupTriggered` is not cached, since the field is true for that call only.
    """
    if status is not JobStatus.READY or triggered:
        return UNSETTLED
    return f"private, {SETTLED}" if private else SETTLED
