from __future__ import annotations

from services.common.job_status import JobStatus
from services.gateway.premium.cache_control import cache_control


def test_only_ready_answers_without_an_enqueue_are_cacheable() -> None:
    kept = "max-age=30, stale-while-revalidate=86400, stale-if-error=604800"
    assert cache_control(JobStatus.READY, triggered=False, private=False) == kept
    assert cache_control(JobStatus.READY, triggered=False, private=True) == f"private, {kept}"
    assert cache_control(JobStatus.READY, triggered=True, private=False) == "no-store"
    for status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.FAILED):
        for triggered in (True, False):
            assert cache_control(status, triggered=triggered, private=False) == "no-store"
            assert cache_control(status, triggered=triggered, private=True) == "no-store"
