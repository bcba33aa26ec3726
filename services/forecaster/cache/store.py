"""The forecast cache in Redis. Every write goes through one script, which refuses leases below the fence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common import cache_keys, errors
from services.common.cache_keys import warmup_key
from services.common.comparison import SnapshotKey
from services.common.errors import WarmcastError
from services.common.freshness import RETAINED_FOR
from services.forecaster.cache.bundles import BundlePair, ForecastKey, format_timestamp
from services.forecaster.cache.connections import reconnect_all
from services.forecaster.cache.envelope import CorruptValueError, seal, unseal_for
from services.forecaster.cache.failure_causes import FailureCause, cause_of
from services.forecaster.cache.inspection import StoredValue
from services.forecaster.cache.write_health import WriteHealth

log = structlog.get_logger()

CORRUPT = Counter("warmcast_forecaster_corrupt_values_total", "Corrupt cached values, which count as missing")
FENCED_OFF = Counter("warmcast_forecaster_fenced_off_total", "Writes refused because a newer lease owns the keys")

_FAILURES = (RedisError, OSError, RuntimeError)
TTL_SECONDS = int(RETAINED_FOR.total_seconds())
KEYS_PER_READ = 128  # a value of five years has about 10 kB, the longest 50 kB, so a reply has 1 to 6 MB
_PROBE_TTL_SECONDS = 60
# Well below the 1.5 s that jobs waits for Describe, which then says that Redis does not answer.
_PROBE_SECONDS = 1.0
# As large as a run's largest write (5,000 hours: 84 kB), because arguments count as memory and a network may drop only
# large packets. The script ignores it, so it is neither stored nor replicated.
PROBE_PADDING = b" " * 128 * 1024

# KEYS[1] is the lock, which holds the highest lease so far: the fence. The next ARGV[3] keys are set and the others
# deleted, atomically. A lock that is not a number, or more than 2^40 ahead, is not a lease of this database. It is
# overwritten, because the lease sequence could not advance past it.
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


class ForecastCache:
    """Bundles and debugging keys. Raises UNAVAILABLE if Redis fails; never reports a failure as missing bundles."""

    script = GUARDED_WRITE

    def __init__(self, redis: Redis, write_health: WriteHealth | None = None) -> None:
        self._redis = redis
        self._guarded_write = redis.register_script(self.script)
        self._write_health = write_health or WriteHealth()
        self._probing = asyncio.Lock()  # one probe at a time

    async def server(self) -> ServerInfo:
        """The server's relevant configuration."""
        async with _translate_errors():
            information = await self._redis.info("all")
        cluster = information.get("redis_mode") == "cluster" or information.get("cluster_enabled") == 1
        return ServerInfo(in_cluster_mode=cluster, eviction_policy=str(information.get("maxmemory_policy", "")))

    async def answers(self) -> bool:
        """Whether Redis serves reads. Uses MGET, because PING may succeed where reads fail and vice versa."""
        try:
            async with _translate_errors():
                await self._redis.mget([cache_keys.WRITE_PROBE])
        except WarmcastError:
            return False
        return True

    async def check_writes(self) -> None:
        """Raises UNAVAILABLE with the cause while no run can store its bundles. Probes at most once a second."""
        async with self._probing:
            if self._write_health.probe_due():
                self._write_health.record_probe(await self._probe())
        if cause := self._write_health.cause:
            raise cause.error()

    async def read(self, keys: Sequence[ForecastKey]) -> list[BundlePair | None]:
        """One pair per key, None if one of its bundles is absent or corrupt. One MGET per 64 keys."""
        pairs: list[BundlePair | None] = []
        for start in range(0, len(keys), KEYS_PER_READ // 2):
            batch = keys[start : start + KEYS_PER_READ // 2]
            async with _translate_errors():
                reply = await self._redis.mget([text for key in batch for text in (key.key_a, key.key_b)])
            values = cast("list[bytes | None]", reply)  # bytes: the client does not decode
            pairs += [
                _pair(key, *two) for key, two in zip(batch, zip(values[::2], values[1::2], strict=True), strict=True)
            ]
        return pairs

    async def read_values(self, names: Sequence[str]) -> dict[str, StoredValue]:
        """The value and the TTL of each Redis key: all values at one moment, the TTLs shortly after."""
        async with _translate_errors(), self._redis.pipeline(transaction=False) as commands:
            commands.mget(names)
            for name in names:
                commands.ttl(name)
            values, *ttls = await commands.execute()
        return {name: StoredValue(*of_name) for name, *of_name in zip(names, values, ttls, strict=True)}

    async def mark_running(self, snapshot: SnapshotKey, lease_id: int, *, debug_id: str, now: datetime) -> None:
        """Raises the fence to this lease. Raises FENCED_OFF if the fence is higher."""
        marks = {
            cache_keys.STATUS: b"running",
            cache_keys.DEBUG_ID: debug_id.encode(),
            cache_keys.STARTED_AT: _time(now),
        }
        await self._write(snapshot, lease_id, _marks(snapshot, marks), delete=[cache_keys.FINISHED_AT])

    async def store(self, key: ForecastKey, pair: BundlePair, *, now: datetime) -> None:
        """Writes both bundles and the debugging keys of a run. Raises FENCED_OFF, and then writes nothing."""
        value_a, value_b = seal(pair)
        marks = {cache_keys.STATUS: b"ready", cache_keys.FINISHED_AT: _time(now)}
        values = {key.key_a: value_a, key.key_b: value_b, **_marks(key.snapshot, marks)}
        await self._write(key.snapshot, pair.lease_id, values, delete=[cache_keys.ERROR])
        self._write_health.record_stored_run()

    async def mark_ready(self, snapshot: SnapshotKey, lease_id: int, *, now: datetime) -> None:
        """Writes the debugging keys alone, for bundles that are adopted."""
        marks = {cache_keys.STATUS: b"ready", cache_keys.FINISHED_AT: _time(now)}
        await self._write(snapshot, lease_id, _marks(snapshot, marks), delete=[cache_keys.ERROR])

    async def mark_failed(
        self, snapshot: SnapshotKey, lease_id: int, *, status: str, error: str, now: datetime
    ) -> None:
        """Records a failed run: its error, and the job's status after it."""
        marks = {
            cache_keys.STATUS: status.encode(),
            cache_keys.ERROR: error.encode(),
            cache_keys.FINISHED_AT: _time(now),
        }
        await self._write(snapshot, lease_id, _marks(snapshot, marks), delete=[])

    async def close(self) -> None:
        """Closes every connection."""
        await self._redis.aclose()

    async def _write(
        self, snapshot: SnapshotKey, lease_id: int, values: Mapping[str, bytes], *, delete: Sequence[str]
    ) -> None:
        keys = [warmup_key(cache_keys.LOCK, snapshot), *values, *(warmup_key(mark, snapshot) for mark in delete)]
        try:
            holder = await self._run_script(keys, [lease_id, TTL_SECONDS, len(values), *values.values()])
        except _FAILURES as error:
            failure = _translate(error, "writes")
            # An error without a known cause is a failure of the cache if the probe fails too.
            if cause := cause_of(error) or await self._probe():
                self._write_health.record_refused_run(cause)
                raise cause.error() from None
            raise failure from None
        if holder is not None:
            FENCED_OFF.inc()
            raise fenced_off_error(int(holder), lease_id)

    async def _probe(self) -> FailureCause | None:
        """The cause for which the write script fails for any key; None if it works."""
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._run_script([cache_keys.WRITE_PROBE], [1, _PROBE_TTL_SECONDS, 0, PROBE_PADDING])
        except _FAILURES as error:
            if isinstance(error, TimeoutError):
                reconnect_all(self._redis)
            _translate(error, "writes")
            foreign_value = "WRONGTYPE" in str(error)  # at the probe's key only
            return cause_of(error) or (None if foreign_value else FailureCause.OTHER)
        return None

    async def _run_script(self, keys: Sequence[str], arguments: Sequence[int | bytes]) -> bytes | None:
        """Runs the script; if refused, once more over new connections, which reach the new primary after a failover."""
        try:
            return cast("bytes | None", await self._guarded_write(keys=keys, args=arguments))
        except _FAILURES as error:
            cause = cause_of(error)
            if cause is None:
                raise
            reconnect_all(self._redis)
            if cause is FailureCause.UNANSWERED:
                raise  # the client has retried already
        return cast("bytes | None", await self._guarded_write(keys=keys, args=arguments))


@dataclass(frozen=True)
class ServerInfo:
    """Configuration of a Redis server."""

    in_cluster_mode: bool  # a script cannot use keys of two slots there
    eviction_policy: str  # empty if unknown

    @property
    def evicts(self) -> bool:
        """Whether the server may evict forecasts before their TTL."""
        return self.eviction_policy not in ("", "noeviction")


def fenced_off_error(holder: int, lease_id: int) -> WarmcastError:
    """The error for a lease below the fence; its metadata hold the current lease."""
    detail = f"lease {holder} owns the keys of this snapshot; lease {lease_id} may not write"
    return WarmcastError(errors.FENCED_OFF, detail, metadata={"leaseId": str(holder)})


def _pair(key: ForecastKey, value_a: bytes | None, value_b: bytes | None) -> BundlePair | None:
    try:
        return unseal_for(key, value_a, value_b)
    except CorruptValueError as error:
        CORRUPT.inc()
        log.warning("corrupt bundle", key_a=key.key_a, key_b=key.key_b, reason=str(error))
        return None


def _marks(snapshot: SnapshotKey, marks: Mapping[str, bytes]) -> dict[str, bytes]:
    return {warmup_key(mark, snapshot): value for mark, value in marks.items()}


def _time(now: datetime) -> bytes:
    return format_timestamp(now).encode()


@asynccontextmanager
async def _translate_errors() -> AsyncIterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise _translate(error, "reads") from None


def _translate(error: Exception, what: str) -> WarmcastError:
    cause = cause_of(error)
    if cause is None and isinstance(error, RuntimeError):
        raise error  # a bug
    log.warning("redis command failed", error=type(error).__name__, cause=cause.label if cause else None)
    if cause is None:
        return WarmcastError(errors.UNAVAILABLE, "the forecast cache is unavailable", retry_after=2)
    return cause.error(what)
