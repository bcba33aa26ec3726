"""For which comparisons a remembered copy is served without a call, since calls have just failed."""

from __future__ import annotations

import time

from cachetools import LRUCache

from services.common.comparison import ComparisonKey

_MOST = 1_000  # comparisons; one that is forgotten costs its next caller a deadline


class Outages:
    """One failed call is about its own comparison, which may be slow; a second one of another is about the service.

    An answer between them shows that the service is there. Calls that were sent together fail together, with one error.
    """

    def __init__(self) -> None:
        self._until: LRUCache[ComparisonKey, float] = LRUCache(_MOST)
        self._all_until = float("-inf")
        self._last: tuple[ComparisonKey, Exception] | None = None

    def failed(self, key: ComparisonKey, error: Exception, *, seconds: float) -> None:
        """A call for `key` was not answered: copies are served for so many seconds."""
        until = time.monotonic() + seconds
        self._until[key] = until
        if self._last is None:
            self._last = key, error
        elif key != self._last[0] and error is not self._last[1]:
            self._all_until = until

    def answered(self) -> None:
        """A call was answered, whichever."""
        self._last = None

    def hold(self, key: ComparisonKey) -> bool:
        """Whether a call for `key` had better not be tried now."""
        return time.monotonic() <= max(self._all_until, self._until.get(key, self._all_until))
