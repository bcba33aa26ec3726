"""What HTTP caches may do with a premium answer."""

from __future__ import annotations

from services.common.job_status import JobStatus

SETTLED = "max-age=30, stale-while-revalidate=86400, stale-if-error=604800"
UNSETTLED = "no-store"


def cache_control(status: JobStatus, *, triggered: bool, private: bool) -> str:
    """The `Cache-Control` of an answer with that status, to a call that enqueued (`triggered`) or did not.

    A failed answer is not kept: the first call after its cool-down re-queues the job, and a copy that a cache may
    hand out for a day would hide both that call and what became of it. Nor is one that says that its call enqueued:
    that is true of that call alone.
    """
    if status is not JobStatus.READY or triggered:
        return UNSETTLED
    return f"private, {SETTLED}" if private else SETTLED
