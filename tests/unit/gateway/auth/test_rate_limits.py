"""The rate limiter with a fake clock, compared with a simulated token bucket."""

from __future__ import annotations

import random

import pytest
from cachetools import LRUCache

from services.gateway.auth.rate_limits import Outcome, Rate, RateLimiter, limit_field, policy_field


class Clock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("text", "rate"), [("100", Rate(100, 1)), ("600/60", Rate(600, 60)), (" 1/86400 ", Rate(1, 86_400))]
)
def test_a_valid_rate_is_parsed(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate == Rate.parse(str(rate))


@pytest.mark.parametrize("text", ["", "0", "-1", "1/0", "1.5", "10/s", "1000001", "1/86401", "5/", "٣"])
def test_an_invalid_rate_is_refused_with_a_message(text: str) -> None:
    with pytest.raises(ValueError, match="a rate is a number of requests a second"):
        Rate.parse(text)


@pytest.mark.parametrize("rate", [Rate(1, 1), Rate(3, 1), Rate(7, 60), Rate(1000, 1), Rate(600, 60)])
def test_a_full_bucket_allows_exactly_its_quota(rate: Rate) -> None:
    clock = Clock()
    limiter = RateLimiter(rate, {}, clock)
    left = [limiter.take("a") for _ in range(rate.requests)]
    assert [decision.remaining for decision in left] == list(range(rate.requests - 1, -1, -1))
    refused = limiter.take("a")
    assert (refused.allowed, refused.remaining) == (False, 0)
    clock.now += refused.retry_after
    assert limiter.take("a").allowed, "allowed exactly after its retry delay"
    assert not limiter.take("a").allowed


def test_each_caller_has_its_own_bucket() -> None:
    limiter = RateLimiter(Rate(1, 1), {}, Clock())
    assert [limiter.take(caller).allowed for caller in "aab"] == [True, False, True]


@pytest.mark.parametrize("seed", range(5))
def test_it_is_equivalent_to_a_token_bucket(seed: int) -> None:
    chance, clock = random.Random(seed), Clock()
    rate = Rate(chance.randint(1, 20), chance.randint(1, 10))
    limiter, tokens = RateLimiter(rate, {}, clock), float(rate.requests)
    for _ in range(2_000):
        waited = chance.choice([0.0, chance.uniform(0, 2 * rate.window / rate.requests)])
        clock.now += waited
        tokens = min(rate.requests, tokens + waited * rate.requests / rate.window)
        if abs(tokens - round(tokens)) < 1e-4:
            continue  # rounding may allow or refuse this request
        decision = limiter.take("a")
        assert decision.allowed == (tokens >= 1)
        if decision.allowed:
            tokens -= 1
            assert decision.remaining == int(tokens)
        else:
            assert decision.retry_after == pytest.approx((1 - tokens) * rate.window / rate.requests, abs=1e-3)
        assert decision.full_in == pytest.approx((rate.requests - tokens) * rate.window / rate.requests, abs=1e-3)


def test_the_longest_idle_callers_are_evicted() -> None:
    full_at: LRUCache[str, float] = LRUCache(3)
    limiter = RateLimiter(Rate(1, 60), full_at, Clock())
    for caller in "abcabd":
        limiter.take(caller)
    assert set(full_at) == {"a", "b", "d"}
    assert [limiter.take(caller).allowed for caller in "abd"] == [False, False, False]


def test_the_fields_are_structured_fields() -> None:
    assert policy_field("partner", Rate(600, 60)) == b'"partner";q=600;w=60'
    assert limit_field("partner", Outcome(True, 5, 0.2, 0.0)) == b'"partner";r=5;t=1'
