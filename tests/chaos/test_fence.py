"""The watch over Redis: a write below a fence that stands is told from one that a FLUSHALL let in."""

from __future__ import annotations

import redis

from devstack.stores.valkey import Valkey
from tests.chaos.fence import FenceWatch
from tests.waiting import wait_until

_WRITE = "redis.call('SET', KEYS[1], ARGV[1])"
_LOCK = "warmup-lock:a-vs-b:12m:US:one"


def test_a_write_below_the_fence_is_seen(valkey: Valkey, redis_url: str) -> None:
    watch = FenceWatch(valkey)
    try:
        with redis.Redis.from_url(redis_url) as client:
            for lease in (4, 5, 5):
                client.eval(_WRITE, 1, _LOCK, lease)
            wait_until(lambda: watch.writes == 3, 10, "three writes are seen")
            assert (watch.below, watch.let_in) == (0, 0)
            client.eval(_WRITE, 1, _LOCK, 3)
            wait_until(lambda: watch.writes == 4, 10, "the write below the fence is seen")
            assert (watch.below, watch.let_in) == (1, 0)
            client.flushall()
            client.eval(_WRITE, 1, _LOCK, 2)
            wait_until(lambda: watch.writes == 5, 10, "the write after the loss is seen")
            assert (watch.below, watch.let_in) == (1, 1)
    finally:
        watch.close()
