"""The cache of ready premium answers: kept for about a second, fetched once for simultaneous callers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from cachetools import LRUCache
from prometheus_client import Counter

from services.common.comparison import ComparisonKey
from services.common.job_status import JobStatus
from services.gateway.premium.answer import Answer
from services.gateway.premium.rendered import Rendered

FETCHES = Counter(
    "warmcast_gateway_premium_looks_total",
    "Source of premium answers: `memory`, a fetch of its `own`, or a fetch `shared` with a simultaneous caller",
    ["source"],
)
_MEMORY, _OWN, _SHARED = (FETCHES.labels(source) for source in ("memory", "own", "shared"))

GetAnswer = Callable[[ComparisonKey, bool], Awaitable[Answer]]


class AnswerCache:
    """Serves an answer from memory for at most `seconds`; else simultaneous callers share one fetch (single flight).

    Only ready answers that enqueue nothing are kept. After `invalidate`, a fetch that is in flight is neither kept nor
    shared further. A caller that is cancelled does not cancel the fetch.
    """

    def __init__(
        self,
        get_answer: GetAnswer,
        render: Callable[[Answer], Rendered],
        *,
        seconds: float,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`limit` is the number of answers that are kept."""
        self._get_answer = get_answer
        self._render = render
        self._seconds = seconds
        self._clock = clock
        self._cached: LRUCache[ComparisonKey, Rendered] = LRUCache(limit)
        self._in_flight: dict[tuple[ComparisonKey, bool], asyncio.Task[Rendered]] = {}

    def get(self, key: ComparisonKey) -> Rendered | None:
        """The cached answer; None where there is none, or it is too old."""
        cached = self._cached.get(key)
        if cached is None or self._clock() - cached.fetched_at >= self._seconds:
            return None
        _MEMORY.inc()
        return cached

    async def fetch(self, key: ComparisonKey, *, may_enqueue: bool) -> Rendered:
        """The current answer, from the service. Raises WarmcastError as the service does.

        `warmupTriggered` is true only for the caller that started a shared fetch.
        """
        shared = self._in_flight.get((key, may_enqueue))
        if shared is not None:
            _SHARED.inc()
            rendered = await asyncio.shield(shared)
            return self._render(replace(rendered.answer, triggered=False)) if rendered.answer.triggered else rendered
        _OWN.inc()
        fetch = asyncio.create_task(self._fetch_and_render(key, may_enqueue))
        self._in_flight[key, may_enqueue] = fetch
        fetch.add_done_callback(lambda _: self._store(key, may_enqueue, fetch))
        return await asyncio.shield(fetch)

    def invalidate(self, key: ComparisonKey) -> None:
        """Drops what is cached or in flight for `key`, because it has changed."""
        self._cached.pop(key, None)
        for may_enqueue in (True, False):
            self._in_flight.pop((key, may_enqueue), None)

    def invalidate_all(self) -> None:
        """Drops everything, because changes may have been missed."""
        self._cached.clear()
        self._in_flight.clear()

    async def _fetch_and_render(self, key: ComparisonKey, may_enqueue: bool) -> Rendered:
        return self._render(await self._get_answer(key, may_enqueue))

    def _store(self, key: ComparisonKey, may_enqueue: bool, fetch: asyncio.Task[Rendered]) -> None:
        # Reading the exception keeps asyncio from logging a failure after all callers have disconnected.
        failed = fetch.cancelled() or fetch.exception() is not None
        if self._in_flight.get((key, may_enqueue)) is not fetch:
            return  # invalidated meanwhile
        del self._in_flight[key, may_enqueue]
        if self._seconds and not failed and _is_cacheable(fetch.result().answer):
            self._cached[key] = fetch.result()


def _is_cacheable(answer: Answer) -> bool:
    # An answer with a pending enqueue (to a HEAD, or whose enqueue failed) would keep the next GET from enqueueing.
    return answer.decision.status is JobStatus.READY and not answer.triggered and answer.decision.enqueue is None
