"""The last good answers, served as stale copies while a service is unavailable."""

from __future__ import annotations

import time
from collections.abc import Callable

from cachetools import TLRUCache

from services.common.comparison import ComparisonKey
from services.gateway.premium.answer import Answer

LIFETIME_SECONDS = 7 * 24 * 3600  # as in the forecaster's cache


class StaleCache:
    """A bounded cache of answers with forecasts; the least recently used is evicted first.

    An answer expires when its bundles are 7 d old.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._answers: TLRUCache[ComparisonKey, Answer] = TLRUCache(limit, ttu=_expires_at, timer=clock)

    def put(self, key: ComparisonKey, answer: Answer) -> None:
        """Stores `answer` if it has forecasts."""
        if answer.forecasts is not None:
            self._answers[key] = answer

    def get(self, key: ComparisonKey) -> Answer | None:
        """The last answer for `key`, unless it has expired or was evicted."""
        return self._answers.get(key)

    def __len__(self) -> int:
        return len(self._answers)


def _expires_at(_key: ComparisonKey, answer: Answer, now: float) -> float:
    return answer.forecasts.generated_at + LIFETIME_SECONDS if answer.forecasts else now
