"""Warm answers without a hop: rendered once, kept for a moment, and looked up once for all who ask at the same time."""

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

LOOKS = Counter(
    "warmcast_gateway_premium_looks_total",
    "Where premium answers came from: memory, a look of their own, or a look that was under way",
    ["source"],
)
_MEMORY, _OWN, _SHARED = (LOOKS.labels(source) for source in ("memory", "own", "shared"))

Ask = Callable[[ComparisonKey, bool], Awaitable[Answer]]


class WarmAnswers:
    """Answers from memory for at most `seconds`, else by one look for all who ask for the same at the same time.

    `forget` is to be called with whatever this gateway learns: what was looked at before that is then neither kept nor
    shared. Only ready answers that enqueue nothing are kept. A look belongs to nobody: a caller that leaves does
    not end it for the others.
    """

    def __init__(
        self,
        ask: Ask,
        render: Callable[[Answer], Rendered],
        *,
        seconds: float,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._render = render
        self._seconds = seconds
        self._clock = clock
        self._kept: LRUCache[ComparisonKey, Rendered] = LRUCache(limit)
        self._looks: dict[tuple[ComparisonKey, bool], asyncio.Task[Rendered]] = {}

    def recall(self, key: ComparisonKey) -> Rendered | None:
        """The kept answer, unless it is too old."""
        kept = self._kept.get(key)
        if kept is None or self._clock() - kept.looked_at >= self._seconds:
            return None
        _MEMORY.inc()
        return kept

    async def look(self, key: ComparisonKey, *, may_enqueue: bool) -> Rendered:
        """What `ask` says now. Raises what `ask` raises.

        Of all who share a look, the caller that began it alone is told that its call enqueued.
        """
        shared = self._looks.get((key, may_enqueue))
        if shared is not None:
            _SHARED.inc()
            rendered = await asyncio.shield(shared)
            return self._render(replace(rendered.answer, triggered=False)) if rendered.answer.triggered else rendered
        _OWN.inc()
        look = asyncio.create_task(self._look(key, may_enqueue))
        self._looks[key, may_enqueue] = look
        look.add_done_callback(lambda _: self._ended(key, may_enqueue, look))
        return await asyncio.shield(look)

    def forget(self, key: ComparisonKey) -> None:
        """Something about `key` has changed."""
        self._kept.pop(key, None)
        for may_enqueue in (True, False):
            self._looks.pop((key, may_enqueue), None)

    def forget_all(self) -> None:
        """Anything may have changed."""
        self._kept.clear()
        self._looks.clear()

    async def _look(self, key: ComparisonKey, may_enqueue: bool) -> Rendered:
        return self._render(await self._ask(key, may_enqueue))

    def _ended(self, key: ComparisonKey, may_enqueue: bool, look: asyncio.Task[Rendered]) -> None:
        # Asked for here too: a failure that nobody waits for any more is no news to the log.
        failed = look.cancelled() or look.exception() is not None
        if self._looks.get((key, may_enqueue)) is not look:
            return
        del self._looks[key, may_enqueue]
        if self._seconds and not failed and _may_be_kept(look.result().answer):
            self._kept[key] = look.result()


def _may_be_kept(answer: Answer) -> bool:
    # An answer that calls for an enqueue (to a HEAD, or whose enqueue failed) would keep the next GET from it.
    return answer.decision.status is JobStatus.READY and not answer.triggered and answer.decision.enqueue is None
