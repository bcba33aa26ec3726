"""The forecaster's replicas: polls each for its slots, and sends a run to the one with the most free slots."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

import structlog
from prometheus_client import Gauge
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc

from services.common import errors
from services.common.engine_version import engine_number
from services.common.errors import WarmcastError
from services.common.rpc.client.addresses import Address, resolver
from services.common.rpc.client.call import call_unary
from services.common.rpc.client.channel import open_channel
from services.common.rpc.services import FORECASTER
from services.common.rpc.tls import Tls
from services.common.runtime.background import beat
from services.jobs.domain.forecaster import CacheState, ForecasterInfo, ForecasterReplica

log = structlog.get_logger()

SLOTS = Gauge("warmcast_jobs_forecaster_slots", "Worker slots of all forecaster replicas that accept runs")

# A stalled replica is detected within 4 s: one poll interval and one timeout, even if another stalls too.
_POLL_EVERY = 1.0  # seconds
_DESCRIBE_SECONDS = 1.5
_RESOLVE_EVERY = 2.0
_RESOLVE_SECONDS = 0.5  # that a poll waits; a slower result is used by a later poll
_MIN_PAUSE = 0.1  # seconds between polls, however many runs fail
_MAX_REPLICAS = 256
_MAX_CAUSES = 3  # named in one message
_UNANSWERED = "unanswered"  # the cache cause of a Redis that does not answer; other causes refuse commands


class Replicas:
    """All replicas behind one target, kept up to date by `follow`. Needs a running event loop."""

    def __init__(self, target: str, *, tls: Tls | None = None) -> None:
        self._resolve = resolver(target)
        self._tls = tls
        self._replicas: dict[Address, Replica] = {}
        self._leaving: list[Replica] = []  # no longer resolved, but still running
        self._resolution: asyncio.Task[tuple[Address, ...]] | None = None
        self._resolved_at = float("-inf")
        self._poll_now = asyncio.Event()
        self._polled = asyncio.Event()
        self.engine_version = ""  # the newest that accepts runs, or last did; empty while unknown

    async def follow(self, more_slots: Callable[[], None]) -> None:
        """Polls every replica once a second until cancelled; calls `more_slots` when the sum of their slots rises."""
        slots, causes = 0, ""
        while True:
            self._poll_now.clear()
            await self._resolve_addresses()
            await asyncio.gather(*(replica.describe() for replica in self._replicas.values()))
            self._polled.set()
            accepting = self._accepting()
            if accepting:
                self.engine_version = accepting[0].engine_version
            before, slots = slots, sum(replica.slots for replica in accepting)
            SLOTS.set(slots)
            if slots > before:
                more_slots()
            if (slots, self._causes()) != (before, causes):
                causes = self._causes()
                log.info("forecaster replicas", replicas=len(accepting), slots=slots, others=causes)
            beat()
            await self._pause()

    async def info(self) -> ForecasterInfo:
        """The combined capacity of the replicas that accept runs.

        Raises WarmcastError(UNAVAILABLE) with the cause if no replica accepts runs. Waits only for the first poll.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DESCRIBE_SECONDS + _RESOLVE_SECONDS):
                await self._polled.wait()
        accepting = self._accepting()
        if not accepting:
            raise WarmcastError(
                errors.UNAVAILABLE, self._causes() or "FORECASTER_ADDR resolves to no address", retry_after=1
            )
        slots = sum(replica.slots for replica in accepting)
        return ForecasterInfo(accepting[0].engine_version, slots, cause=self._causes(), replicas=len(accepting))

    def described(self) -> list[ForecasterReplica]:
        """Every known address, in order, by its last answer."""
        replicas = [replica.summary() for replica in self._replicas.values()]
        return sorted(replicas, key=lambda replica: replica.address)

    @contextlib.contextmanager
    def run(self) -> Iterator[Replica]:
        """The replica for a run, which occupies a slot until the context ends. Raises BUSY if none accepts runs."""
        accepting = self._accepting()
        if not accepting:
            raise WarmcastError(errors.BUSY, "no replica of the forecaster accepts runs", retry_after=1)
        replica = max(accepting, key=lambda each: (each.slots - each.running, -each.started))
        replica.running += 1
        replica.started += 1
        try:
            yield replica
        finally:
            replica.running -= 1

    def report_failure(self, replica: Replica, error: WarmcastError) -> None:
        """Excludes a replica from runs until a successful poll, and polls at once."""
        replica.set_failure(error)
        self._poll_now.set()

    async def close(self) -> None:
        """Ends every connection, and the runs on it."""
        if self._resolution:
            self._resolution.cancel()
        for replica in (*self._replicas.values(), *self._leaving):
            await replica.close()

    def _accepting(self) -> list[Replica]:
        """Reachable replicas of the newest engine version; one with two addresses counts once.

        Older versions get no runs during a rolling update: newer replicas would treat their bundles as stale at once.
        """
        described = {each.replica_id: each for each in reversed(self._replicas.values()) if each.described}
        newest = max((each.engine_number for each in described.values()), default=-1)
        return [each for each in described.values() if each.engine_number == newest]

    def _causes(self) -> str:
        causes = [replica.cause for replica in self._replicas.values() if replica.cause]
        if not causes:
            return ""
        named = "; ".join(sorted(set(causes))[:_MAX_CAUSES])
        return named if len(causes) == len(self._replicas) == 1 else f"{len(causes)} of {len(self._replicas)}: {named}"

    async def _resolve_addresses(self) -> None:
        """Opens channels to new addresses, and closes those of removed addresses once their last run has ended."""
        if self._resolution is None and time.monotonic() - self._resolved_at >= _RESOLVE_EVERY:
            self._resolved_at = time.monotonic()
            self._resolution = asyncio.create_task(self._resolve())
        if self._resolution:
            await asyncio.wait({self._resolution}, timeout=_RESOLVE_SECONDS)
        if self._resolution and self._resolution.done():
            # If DNS fails or returns no address, the known replicas are kept.
            addresses = () if self._resolution.exception() else self._resolution.result()
            self._resolution = None
            if addresses:
                self._update(addresses[:_MAX_REPLICAS])
        for replica in [each for each in self._leaving if not each.running]:
            self._leaving.remove(replica)
            await replica.close()

    def _update(self, addresses: tuple[Address, ...]) -> None:
        for address in self._replicas.keys() - set(addresses):
            self._leaving.append(self._replicas.pop(address))
        for address in addresses:
            if address not in self._replicas:
                self._replicas[address] = Replica(address, self._tls)

    async def _pause(self) -> None:
        await asyncio.sleep(_MIN_PAUSE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL_EVERY - _MIN_PAUSE):
                await self._poll_now.wait()


class Replica:
    """One address of the forecaster, and its last description."""

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self._channel = open_channel(address.target, FORECASTER, tls=tls, authority=address.authority)
        self.stub: forecaster_pb2_grpc.ForecasterServiceAsyncStub = forecaster_pb2_grpc.ForecasterServiceStub(
            self._channel
        )
        # Reaches a replica that is not ready, which says why. Connects at its first call.
        self._unready_channel = open_channel(
            address.target, FORECASTER, tls=tls, authority=address.authority, health_checks=False
        )
        self._unready_stub: forecaster_pb2_grpc.ForecasterServiceAsyncStub = forecaster_pb2_grpc.ForecasterServiceStub(
            self._unready_channel
        )
        self.described: pb.DescribeResponse | None = None  # None: it accepts no runs; `cause` says why
        self.cause = "the forecaster has not responded yet"
        self.cache_state = CacheState.UNKNOWN
        self.running = 0  # runs that this process sent it
        self.started = 0  # runs in total
        self._address = address

    @property
    def slots(self) -> int:
        """Concurrent runs that it computes."""
        return max(self.described.worker_slots, 0) if self.described else 0

    @property
    def engine_version(self) -> str:
        """Version of its engine; empty while unknown."""
        return self.described.engine_version if self.described else ""

    @property
    def engine_number(self) -> int:
        """The number by which engine versions are ordered."""
        return engine_number(self.engine_version)

    @property
    def replica_id(self) -> str:
        """The same at each of its addresses; the address itself for releases without this field."""
        return (self.described.replica_id if self.described else "") or self._address.target

    async def describe(self) -> None:
        """Updates `described` and `cause`."""
        deadline = time.monotonic() + _DESCRIBE_SECONDS
        try:
            answer = await call_unary(FORECASTER, self.stub.Describe, pb.DescribeRequest(), timeout=_DESCRIBE_SECONDS)
        except WarmcastError as error:
            self.set_failure(await self._explained(error, deadline - time.monotonic()))
        else:
            self.described, self.cause, self.cache_state = answer, "", CacheState.WRITABLE

    async def close(self) -> None:
        """Ends its connections, and the runs on them."""
        await self._channel.close()
        await self._unready_channel.close()

    async def _explained(self, error: WarmcastError, seconds: float) -> WarmcastError:
        """The error, or the replica's own: while its cache is away it is not ready, and gRPC sends it no call."""
        if error.reason is not errors.UNAVAILABLE or errors.CACHE_CAUSE in error.metadata:
            return error
        try:
            await call_unary(FORECASTER, self._unready_stub.Describe, pb.DescribeRequest(), timeout=seconds)
        except WarmcastError as own:
            return own if errors.CACHE_CAUSE in own.metadata else error
        return error

    def set_failure(self, error: WarmcastError) -> None:
        """Excludes it from runs, for the cause that the error names."""
        self.described, self.cause, self.cache_state = None, error.detail, _cache_state(error)

    def summary(self) -> ForecasterReplica:
        """What operators see of it."""
        return ForecasterReplica(
            address=self._address.target,
            engine_version=self.engine_version,
            worker_slots=self.slots,
            busy_slots=self.described.busy_slots if self.described else 0,
            cause=self.cause,
            cache_state=self.cache_state,
        )


def _cache_state(error: WarmcastError) -> CacheState:
    cause = error.metadata.get(errors.CACHE_CAUSE)
    if cause is None:
        return CacheState.UNKNOWN
    return CacheState.UNAVAILABLE if cause == _UNANSWERED else CacheState.REFUSES_WRITES
