"""The forecast cache in Redis. Every write passes one script, which refuses a lease below the fence."""

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
from services.forecaster.cache.bundles import BundlePair, PairKey, format_timestamp
from services.forecaster.cache.connections import reconnect_all
from services.forecaster.cache.envelope import CorruptValueError, seal, unseal
from services.forecaster.cache.failure_causes import FailureCause, cause_of
from services.forecaster.cache.freshness import RETAINED_FOR
from services.forecaster.cache.write_health import WriteHealth

log = structlog.get_logger()

CORRUPT = Counter("warmcast_forecaster_corrupt_values_total", "Cached values that were damaged and count as missing")
FENCED_OFF = Counter("warmcast_forecaster_fenced_off_total", "WriteHealth refused because a newer lease owns the keys")

_FAILURES = (RedisError, OSError, RuntimeError)
TTL_SECONDS = int(RETAINED_FOR.total_seconds())
KEYS_PER_READ = 128  # a value is some 10 kB, so one answer stays near 1 MB
_PROBE_TTL_SECONDS = 60
# As large as a run's largest write is: arguments count as memory while a command runs, and large packets can be lost
# where small ones pass. The script ignores it, so that it is neither stored nor replicated.
_PROBE_PADDING = b" " * 32 * 1024

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


class ForecastCache:
    """Bundles and the warmup's own marks. Raises UNAVAILABLE when Redis does not answer or refuses, never "missing"."""

    script = GUARDED_WRITE

    def __init__(self, redis: Redis, writes: WriteHealth | None = None) -> None:
        self._redis = redis
        self._guarded_write = redis.register_script(self.script)
        self._writes = writes or WriteHealth()
        self._probing = asyncio.Lock()  # many callers, one probe

    async def server(self) -> ServerInfo:
        """How the server is configured."""
        async with _translated():
            information = await self._redis.info("all")
        cluster = information.get("redis_mode") == "cluster" or information.get("cluster_enabled") == 1
        return ServerInfo(in_cluster_mode=cluster, eviction_policy=str(information.get("maxmemory_policy", "")))

    async def answers(self) -> bool:
        """Whether Redis serves reads. No PING: some servers answer it and refuse reads, and others the contrary."""
        try:
            async with _translated():
                await self._redis.mget([cache_keys.WRITE_PROBE])
        except WarmcastError:
            return False
        return True

    async def check_writes(self) -> None:
        """Raises UNAVAILABLE with the cause while no run could store its bundles. At most one probe a second."""
        async with self._probing:
            if self._writes.probe_due():
                self._writes.record_probe(await self._probe())
        if refusal := self._writes.cause:
            raise refusal.error()

    async def read(self, names: Sequence[PairKey]) -> list[BundlePair | None]:
        """One pair per name, None where one of the two is absent or corrupt. One MGET per 64 names."""
        pairs: list[BundlePair | None] = []
        for start in range(0, len(names), KEYS_PER_READ // 2):
            some = names[start : start + KEYS_PER_READ // 2]
            async with _translated():
                answer = await self._redis.mget([key for name in some for key in (name.key_a, name.key_b)])
            values = cast("list[bytes | None]", answer)  # bytes: this client decodes nothing
            pairs += [
                _pair(name, *two) for name, two in zip(some, zip(values[::2], values[1::2], strict=True), strict=True)
            ]
        return pairs

    async def mark_running(self, name: SnapshotKey, lease_id: int, *, debug_id: str, now: datetime) -> None:
        """Raises the fence to this lease. Raises FENCED_OFF when it is above."""
        marks = {
            cache_keys.STATUS: b"running",
            cache_keys.DEBUG_ID: debug_id.encode(),
            cache_keys.STARTED_AT: _time(now),
        }
        await self._write(name, lease_id, _marks(name, marks), delete=[cache_keys.FINISHED_AT])

    async def store(self, name: PairKey, pair: BundlePair, *, now: datetime) -> None:
        """WriteHealth both bundles and the marks of a run that is done, or nothing and raises FENCED_OFF."""
        value_a, value_b = seal(pair)
        marks = {cache_keys.STATUS: b"ready", cache_keys.FINISHED_AT: _time(now)}
        values = {name.key_a: value_a, name.key_b: value_b, **_marks(name.snapshot, marks)}
        await self._write(name.snapshot, pair.lease_id, values, delete=[cache_keys.ERROR])
        self._writes.record_stored_run()

    async def mark_ready(self, name: SnapshotKey, lease_id: int, *, now: datetime) -> None:
        """The marks alone, for bundles that are there already."""
        marks = {cache_keys.STATUS: b"ready", cache_keys.FINISHED_AT: _time(now)}
        await self._write(name, lease_id, _marks(name, marks), delete=[cache_keys.ERROR])

    async def mark_failed(self, name: SnapshotKey, lease_id: int, *, status: str, error: str, now: datetime) -> None:
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
        self, name: SnapshotKey, lease_id: int, values: Mapping[str, bytes], *, delete: Sequence[str]
    ) -> None:
        keys = [warmup_key(cache_keys.LOCK, name), *values, *(warmup_key(mark, name) for mark in delete)]
        try:
            holder = await self._run_script(keys, [lease_id, TTL_SECONDS, len(values), *values.values()])
        except _FAILURES as error:
            failure = _translate(error, "writes")
            # An error without a known cause is the cache's all the same if the probe fails too.
            if refusal := cause_of(error) or await self._probe():
                self._writes.record_refused_run(refusal)
                raise refusal.error() from None
            raise failure from None
        if holder is not None:
            FENCED_OFF.inc()
            raise fenced_off_error(int(holder), lease_id)

    async def _probe(self) -> FailureCause | None:
        """Why the guarded write is refused whatever the key; None: it is not."""
        try:
            await self._run_script([cache_keys.WRITE_PROBE], [1, _PROBE_TTL_SECONDS, 0, _PROBE_PADDING])
        except _FAILURES as error:
            _translate(error, "writes")
            foreign_value = "WRONGTYPE" in str(error)  # under the probe's key alone
            return cause_of(error) or (None if foreign_value else FailureCause.OTHER)
        return None

    async def _run_script(self, keys: Sequence[str], arguments: Sequence[int | bytes]) -> bytes | None:
        """Once more over new connections where the server refuses it: after a failover its name leads elsewhere."""
        try:
            return cast("bytes | None", await self._guarded_write(keys=keys, args=arguments))
        except _FAILURES as error:
            refusal = cause_of(error)
            if refusal is None:
                raise
            reconnect_all(self._redis)
            if refusal is FailureCause.UNANSWERED:
                raise  # the client has tried twice already
        return cast("bytes | None", await self._guarded_write(keys=keys, args=arguments))


@dataclass(frozen=True)
class ServerInfo:
    """What matters of a Redis server's configuration."""

    in_cluster_mode: bool  # a script may not touch two slots there
    eviction_policy: str  # empty where the server does not say

    @property
    def evicts(self) -> bool:
        """Whether the server may drop forecasts before their time."""
        return self.eviction_policy not in ("", "noeviction")


def fenced_off_error(holder: int, lease_id: int) -> WarmcastError:
    """The refusal of a lease, which names the one that holds the keys."""
    detail = f"lease {holder} owns the keys of this snapshot; lease {lease_id} may not write"
    return WarmcastError(errors.FENCED_OFF, detail, metadata={"leaseId": str(holder)})


def _pair(name: PairKey, value_a: bytes | None, value_b: bytes | None) -> BundlePair | None:
    try:
        pair = unseal(value_a, value_b)
        if pair is not None and pair.engine_version != name.engine_version:
            raise CorruptValueError("its engine version is not its key's")
    except CorruptValueError as error:
        CORRUPT.inc()
        log.warning("corrupt bundle", key_a=name.key_a, key_b=name.key_b, wrong=str(error))
        return None
    return pair


def _marks(name: SnapshotKey, marks: Mapping[str, bytes]) -> dict[str, bytes]:
    return {warmup_key(mark, name): value for mark, value in marks.items()}


def _time(now: datetime) -> bytes:
    return format_timestamp(now).encode()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise _translate(error, "reads") from None


def _translate(error: Exception, what: str) -> WarmcastError:
    refusal = cause_of(error)
    if refusal is None and isinstance(error, RuntimeError):
        raise error  # a bug of ours
    log.warning("redis command failed", error=type(error).__name__, cause=refusal.label if refusal else None)
    if refusal is None:
        return WarmcastError(errors.UNAVAILABLE, "the forecast cache cannot be asked", retry_after=2)
    return refusal.error(what)
