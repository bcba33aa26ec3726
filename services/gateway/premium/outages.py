"""Recent failures of upstream calls: which comparisons are served stale copies without a call."""

from __future__ import annotations

import time

from cachetools import LRUCache

from services.common.comparison import ComparisonKey

_MAX_KEYS = 1_000  # an evicted comparison costs its next caller one timeout


class Outages:
    """Distinguishes a slow comparison from an unavailable service.

    One failure counts for its own comparison. A second failure, of another comparison and with no success between,
    counts for all. Calls that share one batch fail with the same error object and count once.
    """

    def __init__(self) -> None:
        self._until: LRUCache[ComparisonKey, float] = LRUCache(_MAX_KEYS)
        self._all_until = float("-inf")
        self._last: tuple[ComparisonKey, Exception] | None = None

    def record_failure(self, key: ComparisonKey, error: Exception, *, seconds: float) -> None:
        """Marks an outage of `key` for `seconds`."""
        until = time.monotonic() + seconds
        self._until[key] = until
        if self._last is None:
            self._last = key, error
        elif key != self._last[0] and error is not self._last[1]:
            self._all_until = until

    def record_success(self) -> None:
        """Any successful call ends a series of failures."""
        self._last = None

    def active(self, key: ComparisonKey) -> bool:
        """Whether calls for `key` are to be skipped."""
        return time.monotonic() <= max(self._all_until, self._until.get(key, self._all_until))
