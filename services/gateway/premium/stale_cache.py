"""The last good answers, for when nobody can be asked."""

from __future__ import annotations

import time
from collections.abc import Callable

from cachetools import TLRUCache

from services.common.comparison import ComparisonKey
from services.gateway.premium.answer import Answer

GONE_AFTER_SECONDS = 7 * 24 * 3600  # as in the cache itself


class AnswerMemory:
    """A bounded, least-recently-used memory of answers that carried forecasts.

    An answer is gone when its bundles are 7 d old. One process has one setting for debugging, so an answer is never
    served under another one.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._answers: TLRUCache[ComparisonKey, Answer] = TLRUCache(limit, ttu=_gone_at, timer=clock)

    def keep(self, key: ComparisonKey, answer: Answer) -> None:
        """Remembers `answer` if it carries forecasts."""
        if answer.forecasts is not None:
            self._answers[key] = answer

    def recall(self, key: ComparisonKey) -> Answer | None:
        """What was last kept for `key`, if it is not gone."""
        return self._answers.get(key)

    def __len__(self) -> int:
        return len(self._answers)


def _gone_at(_key: ComparisonKey, answer: Answer, now: float) -> float:
    return answer.forecasts.generated_at + GONE_AFTER_SECONDS if answer.forecasts else now
