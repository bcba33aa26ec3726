"""How long an answer is served from memory."""

from __future__ import annotations

from dataclasses import replace

from services.common.comparison import ComparisonKey
from services.gateway.premium.answer import Answer
from services.gateway.premium.cache import AnswerCache
from services.gateway.premium.rendered import Renderer
from tests.unit.gateway.premium.samples import answer

KEY = ComparisonKey("amazon-vs-costco", "12m", "")


async def test_a_cached_answer_expires() -> None:
    now = 100.0

    async def get_answer(_key: ComparisonKey, _may_enqueue: bool) -> Answer:
        return replace(answer(), fetched_at=now)

    cache = AnswerCache(get_answer, Renderer(debug=False, private=False), seconds=1.0, limit=10, clock=lambda: now)
    fetched = await cache.fetch(KEY, may_enqueue=True)
    now = 100.99
    assert cache.get(KEY) is fetched
    now = 101.0
    assert cache.get(KEY) is None
