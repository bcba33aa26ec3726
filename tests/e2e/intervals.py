"""Settings and SQL that shorten waits in tests."""

from __future__ import annotations

SHORT_INTERVALS = {
    "LEASE_SECONDS": "2",
    "BEAT_SECONDS": "0.3",
    "BACKOFF_BASE_SECONDS": "0.2",
    "COOLDOWN_SECONDS": "600",
}
# A loss within a minute after `ready` would only be repaired after that minute.
AGE_READY_JOBS = "UPDATE warmup_jobs SET completed_at = completed_at - interval '1 min'"
