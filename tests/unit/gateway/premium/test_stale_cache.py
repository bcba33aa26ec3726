from __future__ import annotations

from services.common.comparison import ComparisonKey
from services.gateway.premium.stale_cache import LIFETIME_SECONDS, StaleCache
from tests.unit.gateway.premium.samples import QUEUED, answer, forecasts

KEYS = [ComparisonKey(f"a-vs-b{number}", "12m", "") for number in range(3)]


def test_an_answer_expires_when_its_bundles_are_seven_days_old() -> None:
    now = 10_000.0
    cache = StaleCache(10, clock=lambda: now)
    cache.put(KEYS[0], answer(served=forecasts(generated_at=now)))
    now += LIFETIME_SECONDS - 1
    assert cache.get(KEYS[0]) is not None
    now += 2
    assert cache.get(KEYS[0]) is None


def test_expired_bundles_are_not_stored() -> None:
    cache = StaleCache(10, clock=lambda: LIFETIME_SECONDS + 2_000.0)
    cache.put(KEYS[0], answer(served=forecasts(generated_at=1_000.0)))
    assert cache.get(KEYS[0]) is None


def test_answers_without_forecasts_are_not_stored_and_evict_none() -> None:
    cache = StaleCache(10, clock=lambda: 1_000.0)
    cache.put(KEYS[0], answer())
    cache.put(KEYS[0], answer(QUEUED))
    cached = cache.get(KEYS[0])
    assert cached is not None
    assert cached.forecasts is not None


def test_the_least_recently_used_is_evicted_first() -> None:
    cache = StaleCache(2, clock=lambda: 1_000.0)
    cache.put(KEYS[0], answer())
    cache.put(KEYS[1], answer())
    cache.get(KEYS[0])
    cache.put(KEYS[2], answer())
    assert len(cache) == 2
    assert cache.get(KEYS[1]) is None
    assert cache.get(KEYS[0]) is not None
