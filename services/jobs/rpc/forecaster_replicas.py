"""The forecaster's replicas, each followed by itself: their slots add up, and each run goes to the one most free."""

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
from services.jobs.domain.forecaster import ForecasterInfo

log = structlog.get_logger()

SLOTS = Gauge("warmcast_jobs_forecaster_slots", "Worker slots of all forecaster replicas that take runs")

# A replica that stalls is noticed within a pass and a description, also beside another one that stalls: 4 s.
_PASS_EVERY = 1.0  # seconds
_DESCRIBE_SECONDS = 1.5
_LOOK_UP_EVERY = 2.0
_LOOK_UP_SECONDS = 0.5  # that a pass waits; a slower answer is there for a later one
_SHORTEST_PAUSE = 0.1  # between passes, however many runs fail
_MOST_REPLICAS = 256
_CAUSES_NAMED = 3


class Replicas:
    """All replicas behind one target. `follow` keeps them up to date; call everything inside a running loop."""

    def __init__(self, target: str, *, tls: Tls | None = None) -> None:
        self._resolve = resolver(target)
        self._tls = tls
        self._replicas: dict[Address, Replica] = {}
        self._leaving: list[Replica] = []  # their addresses are gone, and runs of theirs go on
        self._lookup: asyncio.Task[tuple[Address, ...]] | None = None
        self._looked_up_at = float("-inf")
        self._again = asyncio.Event()
        self._first_pass = asyncio.Event()

    async def follow(self, more_slots: Callable[[], None]) -> None:
        """Describes every replica once a second, for ever, and calls `more_slots` when their sum rises."""
        slots, causes = 0, ""
        while True:
            self._again.clear()
            await self._find()
            await asyncio.gather(*(replica.describe() for replica in self._replicas.values()))
            self._first_pass.set()
            before, slots = slots, sum(replica.slots for replica in self._taking())
            SLOTS.set(slots)
            if slots > before:
                more_slots()
            if (slots, self._causes()) != (before, causes):
                causes = self._causes()
                log.info("forecaster replicas", replicas=len(self._taking()), slots=slots, others=causes)
            beat()
            await self._pause()

    async def info(self) -> ForecasterInfo:
        """The sum of what all replicas offer that take runs.

        Raises WarmcastError(UNAVAILABLE) with the cause while there is none. Waits for the first pass alone.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DESCRIBE_SECONDS + _LOOK_UP_SECONDS):
                await self._first_pass.wait()
        taking = self._taking()
        if not taking:
            raise WarmcastError(
                errors.UNAVAILABLE, self._causes() or "FORECASTER_ADDR leads to no address", retry_after=1
            )
        slots = sum(replica.slots for replica in taking)
        return ForecasterInfo(taking[0].engine_version, slots, cause=self._causes(), replicas=len(taking))

    @contextlib.contextmanager
    def run(self) -> Iterator[Replica]:
        """The replica for a run, which occupies one of its slots until the context ends. Raises BUSY without one."""
        taking = self._taking()
        if not taking:
            raise WarmcastError(errors.BUSY, "no replica of the forecaster takes runs", retry_after=1)
        replica = max(taking, key=lambda each: (each.slots - each.running, -each.begun))
        replica.running += 1
        replica.begun += 1
        try:
            yield replica
        finally:
            replica.running -= 1

    def report_failure(self, replica: Replica, error: WarmcastError) -> None:
        """Sends a replica no further run until it has described itself again, which is asked of it at once."""
        replica.described, replica.cause = None, error.detail
        self._again.set()

    async def close(self) -> None:
        """Ends every connection, and the runs on it."""
        if self._lookup:
            self._lookup.cancel()
        for replica in (*self._replicas.values(), *self._leaving):
            await replica.channel.close()

    def _taking(self) -> list[Replica]:
        """Those of the newest engine that describe themselves; one that is reached at two addresses counts once.

        While a release is rolled out, what older replicas compute would be stale as soon as it is stored.
        """
        described = {each.replica_id: each for each in reversed(self._replicas.values()) if each.described}
        newest = max((each.engine_number for each in described.values()), default=-1)
        return [each for each in described.values() if each.engine_number == newest]

    def _causes(self) -> str:
        causes = [replica.cause for replica in self._replicas.values() if replica.cause]
        if not causes:
            return ""
        named = "; ".join(sorted(set(causes))[:_CAUSES_NAMED])
        return named if len(causes) == len(self._replicas) == 1 else f"{len(causes)} of {len(self._replicas)}: {named}"

    async def _find(self) -> None:
        """Opens channels to addresses that are new, and closes those whose address and last run are gone."""
        if self._lookup is None and time.monotonic() - self._looked_up_at >= _LOOK_UP_EVERY:
            self._looked_up_at = time.monotonic()
            self._lookup = asyncio.create_task(self._resolve())
        if self._lookup:
            await asyncio.wait({self._lookup}, timeout=_LOOK_UP_SECONDS)
        if self._lookup and self._lookup.done():
            # Where DNS does not answer, or knows no address at the moment, the known ones decide for themselves.
            found = () if self._lookup.exception() else self._lookup.result()
            self._lookup = None
            if found:
                self._set(found[:_MOST_REPLICAS])
        for replica in [each for each in self._leaving if not each.running]:
            self._leaving.remove(replica)
            await replica.channel.close()

    def _set(self, found: tuple[Address, ...]) -> None:
        for address in self._replicas.keys() - set(found):
            self._leaving.append(self._replicas.pop(address))
        for address in found:
            if address not in self._replicas:
                self._replicas[address] = Replica(address, self._tls)

    async def _pause(self) -> None:
        await asyncio.sleep(_SHORTEST_PAUSE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PASS_EVERY - _SHORTEST_PAUSE):
                await self._again.wait()


class Replica:
    """One address of the forecaster, and what it last said of itself."""

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self.channel = open_channel(address.target, FORECASTER, tls=tls, authority=address.authority)
        self.stub: forecaster_pb2_grpc.ForecasterServiceAsyncStub = forecaster_pb2_grpc.ForecasterServiceStub(
            self.channel
        )
        self.described: pb.DescribeResponse | None = None  # None: it takes no runs, because of `cause`
        self.cause = "the forecaster has not answered yet"
        self.running = 0  # runs that this process sent it
        self.begun = 0  # ever
        self._address = address

    @property
    def slots(self) -> int:
        """Runs that it computes at once."""
        return max(self.described.worker_slots, 0) if self.described else 0

    @property
    def engine_version(self) -> str:
        """Of its engine; empty while it is not described."""
        return self.described.engine_version if self.described else ""

    @property
    def engine_number(self) -> int:
        """What engine versions are compared by."""
        return engine_number(self.engine_version)

    @property
    def replica_id(self) -> str:
        """The same at each of its addresses; releases before this field have their address alone."""
        return (self.described.replica_id if self.described else "") or self._address.target

    async def describe(self) -> None:
        """Brings `described` and `cause` up to date."""
        try:
            answer = await call_unary(FORECASTER, self.stub.Describe, pb.DescribeRequest(), timeout=_DESCRIBE_SECONDS)
        except WarmcastError as error:
            self.described, self.cause = None, error.detail
        else:
            self.described, self.cause = answer, ""
