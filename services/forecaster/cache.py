"""The forecast cache in Redis. Every write passes one script, which refuses a lease below the fence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

import structlog
from prometheus_client import Counter
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from services.common import cache_keys, errors
from services.common.cache_keys import SnapshotName, warmup_key
from services.common.errors import WarmcastError
from services.forecaster.bundles import PairName, StoredPair, timestamp_text
from services.forecaster.envelope import CorruptValueError, seal, unseal
from services.forecaster.freshness import KEPT_FOR

log = structlog.get_logger()

CORRUPT = Counter("warmcast_forecaster_corrupt_values_total", "Cached values that were damaged and count as missing")
FENCED_OFF = Counter("warmcast_forecaster_fenced_off_total", "Writes refused because a newer lease owns the keys")

TTL_SECONDS = int(KEPT_FOR.total_seconds())
KEYS_PER_READ = 128  # a value is some 10 kB, so one answer stays near 1 MB

# KEYS[1] is the lock, which holds the highest lease that ever came by: the fence. The next ARGV[3] keys are set, the
# rest deleted. All or nothing: a script runs alone. A lock that is no lease fences off nobody and is written over: one
# that is no number, or further ahead than any database could have been set back. Believed, it would move the leases to
# where no number is left for the next one.
GUARDED_WRITE = """
local holder = redis.call('GET', KEYS[1])
local ahead = (holder and string.match(holder, '^%d+$') and tonumber(holder) or 0) - tonumber(ARGV[1])
if ahead > 0 and ahead < 2^40 then
  return holder
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
local sets = tonumber(ARGV[3])
for i = 1, sets do
  redis.call('SET', KEYS[1 + i], ARGV[3 + i], 'EX', ARGV[2])
end
for i = 2 + sets, #KEYS do
  redis.call('DEL', KEYS[i])
end
return false
"""


def connect(url: str, *, connections: int) -> Redis:
    """A client that gives up in seconds: bounded pool, 2 s to connect, 2 s an operation, one retry."""
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=2,
        socket_connect_timeout=2,
        socket_timeout=2,
        socket_keepalive=True,
        health_check_interval=15,
        # A connection that the server closed while it was idle is opened anew; every command here may run twice.
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
        protocol=2,
        client_name="warmcast-forecaster",
    )
    return Redis.from_pool(pool)


class ForecastCache:
    """Bundles and the warmup's own marks. Raises UNAVAILABLE when Redis does not answer, never "missing"."""

    script = GUARDED_WRITE

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._guarded_write = redis.register_script(self.script)

    async def in_cluster_mode(self) -> bool:
        """Whether this server runs in cluster mode, where a script may not touch two slots."""
        async with _translated():
            information = await self._redis.info("all")
        return information.get("redis_mode") == "cluster" or information.get("cluster_enabled") == 1

    async def answers(self) -> bool:
        """Whether Redis can be asked right now."""
        try:
            async with _translated():
                await self._redis.ping()
        except WarmcastError:
            return False
        return True

    async def read(self, names: Sequence[PairName]) -> list[StoredPair | None]:
        """One pair per name, None where one of the two is absent or corrupt. One MGET per 64 names."""
        pairs: list[StoredPair | None] = []
        for start in range(0, len(names), KEYS_PER_READ // 2):
            some = names[start : start + KEYS_PER_READ // 2]
            async with _translated():
                answer = await self._redis.mget([key for name in some for key in (name.key_a, name.key_b)])
            values = cast("list[bytes | None]", answer)  # bytes: this client decodes nothing
            pairs += [
                _pair(name, *two) for name, two in zip(some, zip(values[::2], values[1::2], strict=True), strict=True)
            ]
        return pairs

    async def mark_running(self, name: SnapshotName, lease_id: int, *, debug_id: str, now: datetime) -> None:
        """Raises the fence to this lease. Raises FENCED_OFF when it is above."""
        marks = {
            cache_keys.STATUS: b"running",
            cache_keys.DEBUG_ID: debug_id.encode(),
            cache_keys.STARTED_AT: _time(now),
        }
        await self._write(name, lease_id, _marks(name, marks), delete=[cache_keys.FINISHED_AT])

    async def store(self, name: PairName, pair: StoredPair, *, now: datetime) -> None:
        """Writes both bundles and the marks of a run that is done, or nothing and raises FENCED_OFF."""
        value_a, value_b = seal(pair)
        marks = {cache_keys.STATUS: b"ready", cache_keys.FINISHED_AT: _time(now)}
        values = {name.key_a: value_a, name.key_b: value_b, **_marks(name.snapshot, marks)}
        await self._write(name.snapshot, pair.lease_id, values, delete=[cache_keys.ERROR])

    async def mark_ready(self, name: SnapshotName, lease_id: int, *, now: datetime) -> None:
        """The marks alone, for bundles that are there already."""
        marks = {cache_keys.STATUS: b"ready", cache_keys.FINISHED_AT: _time(now)}
        await self._write(name, lease_id, _marks(name, marks), delete=[cache_keys.ERROR])

    async def mark_failed(self, name: SnapshotName, lease_id: int, *, status: str, error: str, now: datetime) -> None:
        """Keeps what went wrong, and the status that the job has after it."""
        marks = {
            cache_keys.STATUS: status.encode(),
            cache_keys.ERROR: error.encode(),
            cache_keys.FINISHED_AT: _time(now),
        }
        await self._write(name, lease_id, _marks(name, marks), delete=[])

    async def close(self) -> None:
        """Closes every connection."""
        await self._redis.aclose()

    async def _write(
        self, name: SnapshotName, lease_id: int, values: Mapping[str, bytes], *, delete: Sequence[str]
    ) -> None:
        keys = [warmup_key(cache_keys.LOCK, name), *values, *(warmup_key(mark, name) for mark in delete)]
        async with _translated():
            holder = await self._guarded_write(keys=keys, args=[lease_id, TTL_SECONDS, len(values), *values.values()])
        if holder is not None:
            FENCED_OFF.inc()
            raise fenced_off(int(holder), lease_id)


def fenced_off(holder: int, lease_id: int) -> WarmcastError:
    """The refusal of a lease, which names the one that holds the keys."""
    detail = f"lease {holder} owns the keys of this snapshot; lease {lease_id} may not write"
    return WarmcastError(errors.FENCED_OFF, detail, metadata={"leaseId": str(holder)})


def _pair(name: PairName, value_a: bytes | None, value_b: bytes | None) -> StoredPair | None:
    try:
        pair = unseal(value_a, value_b)
        if pair is not None and pair.engine_version != name.engine_version:
            raise CorruptValueError("its engine version is not its key's")
    except CorruptValueError as error:
        CORRUPT.inc()
        log.warning("corrupt bundle", key_a=name.key_a, key_b=name.key_b, wrong=str(error))
        return None
    return pair


def _marks(name: SnapshotName, marks: Mapping[str, bytes]) -> dict[str, bytes]:
    return {warmup_key(mark, name): value for mark, value in marks.items()}


def _time(now: datetime) -> bytes:
    return timestamp_text(now).encode()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, RuntimeError) as error:
        # uvloop has a RuntimeError for a write to a connection that closed an instant ago.
        if isinstance(error, RuntimeError) and "closed" not in str(error):
            raise
        log.warning("redis does not answer", error=type(error).__name__)
        raise WarmcastError(errors.UNAVAILABLE, "the forecast cache cannot be asked", retry_after=2) from None
