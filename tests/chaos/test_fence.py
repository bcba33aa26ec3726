"""FenceWatch distinguishes a write below an existing fence from one after a FLUSHALL removed the fence."""

from __future__ import annotations

import redis

from devstack.stores.valkey import Valkey
from tests.chaos.fence import FenceWatch
from tests.waiting import wait_until

_WRITE = "redis.call('SET', KEYS[1], ARGV[1])"
_LOCK = "warmup-lock:a-vs-b:12m:US:one"


def test_writes_below_a_fence_and_after_a_lost_fence_are_counted_apart(valkey: Valkey, redis_url: str) -> None:
    watch = FenceWatch(valkey)
    try:
        with redis.Redis.from_url(redis_url) as client:
            for lease in (4, 5, 5):
                client.eval(_WRITE, 1, _LOCK, lease)
            wait_until(lambda: watch.writes == 3, 10, "three writes are seen")
            assert (watch.below, watch.after_loss) == (0, 0)
            client.eval(_WRITE, 1, _LOCK, 3)
            wait_until(lambda: watch.writes == 4, 10, "the write below the fence is seen")
            assert (watch.below, watch.after_loss) == (1, 0)
            client.flushall()
            client.eval(_WRITE, 1, _LOCK, 2)
            wait_until(lambda: watch.writes == 5, 10, "the write after the loss is seen")
            assert (watch.below, watch.after_loss) == (1, 1)
    finally:
        watch.close()
