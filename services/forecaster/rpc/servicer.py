"""The gRPC edge: mapping, validate, hand on."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import structlog
from prometheus_client import Counter, Histogram
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.common.telemetry.counters import count_from_zero
from services.forecaster.cache.bundles import BundlePair, PairKey
from services.forecaster.cache.freshness import Freshness, assess_freshness
from services.forecaster.cache.store import ForecastCache
from services.forecaster.generate import Clock, Engine, Generated, GenerateRequest, generate
from services.forecaster.rpc import mapping
from services.forecaster.workers.pool import Pool

log = structlog.get_logger()

SERVICE = "warmcast.forecaster.v1.ForecasterService"
GUARDED = frozenset(f"/{SERVICE}/{method}" for method in ("GenerateForecasts", "RecordFailure"))
UNBOUNDED = frozenset({f"/{SERVICE}/GenerateForecasts"})  # ends by the pool's deadline, or when its caller leaves
MAX_GET, MAX_CHECK = 100, 500  # a hundred pairs of bundles are some 2 MB

RUNS = count_from_zero(
    Counter("warmcast_forecaster_generate_total", "Runs asked for, by how they ended", ["outcome"]),
    ("computed", "adopted", "cancelled", "crashed", *(name.lower() for name in errors.REASONS)),
)
SECONDS = Histogram(
    "warmcast_forecaster_generate_seconds",
    "Time from the order to its answer, waiting included",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120),
)

Context = grpc.aio.ServicerContext[Any, Any]  # of any message: the same for every method


class ForecasterServicer(pb_grpc.ForecasterServiceServicer):
    """See forecaster.proto."""

    def __init__(self, *, cache: ForecastCache, pool: Pool, engine: Engine, now: Clock, beat_seconds: float) -> None:
        self._cache = cache
        self._pool = pool
        self._engine = engine
        self._now = now
        self._beat_seconds = beat_seconds
        self._replica_id = uuid.uuid4().hex

    async def GenerateForecasts(
        self, request: pb.GenerateForecastsRequest, context: Context
    ) -> AsyncIterator[pb.GenerateForecastsResponse]:
        """Beats at once and every few seconds, then the result."""
        order = mapping.read_request(request)
        run = asyncio.create_task(self._counted(order))
        # A caller that leaves while a beat is on its way does not reach the code below; this always runs.
        context.add_done_callback(lambda _: run.cancel())  # type: ignore[arg-type] # the stub names a class for it
        try:
            while not run.done():
                yield pb.GenerateForecastsResponse(beat=pb.Beat())
                await asyncio.wait({run}, timeout=self._beat_seconds)
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
        yield pb.GenerateForecastsResponse(result=mapping.write_generated(run.result()))

    async def GetForecasts(self, request: pb.GetForecastsRequest, context: Context) -> pb.GetForecastsResponse:
        """Bundles as they are stored, with their freshness."""
        found = await self._find(request.keys, most=MAX_GET)
        return pb.GetForecastsResponse(
            forecasts=[mapping.write_cached(*one) for one in found], engine_version=self._engine.version
        )

    async def CheckForecasts(self, request: pb.CheckForecastsRequest, context: Context) -> pb.CheckForecastsResponse:
        """Freshness alone."""
        found = await self._find(request.keys, most=MAX_CHECK)
        return pb.CheckForecastsResponse(freshness=[mapping.write_freshness(freshness) for _, _, freshness in found])

    async def RecordFailure(self, request: pb.RecordFailureRequest, context: Context) -> pb.RecordFailureResponse:
        """WriteHealth the debugging keys, if no newer lease owns them."""
        snapshot, lease_id, status, error = mapping.read_failure(request)
        await self._cache.mark_failed(snapshot, lease_id, status=status, error=error, now=self._now())
        return pb.RecordFailureResponse()

    async def Describe(self, request: pb.DescribeRequest, context: Context) -> pb.DescribeResponse:
        """The engine's version and how many runs compute at once. Raises UNAVAILABLE while the cache refuses writes."""
        # Callers claim jobs for the slots, and no run ends well without its writes.
        await self._cache.check_writes()
        return pb.DescribeResponse(
            engine_version=self._engine.version, worker_slots=self._pool.slots, replica_id=self._replica_id
        )

    async def _counted(self, order: GenerateRequest) -> Generated:
        began, outcome = time.perf_counter(), "crashed"
        try:
            async with self._pool.admit():
                made = await generate(order, store=self._cache, engine=self._engine, now=self._now)
            outcome = "adopted" if made.adopted else "computed"
            return made
        except WarmcastError as error:
            outcome = error.reason.name.lower()
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            seconds = time.perf_counter() - began
            RUNS.labels(outcome).inc()
            SECONDS.observe(seconds)
            log.info(
                "run",
                outcome=outcome,
                seconds=round(seconds, 3),
                slug=order.snapshot.slug,
                lease_id=order.lease_id,
                debug_id=order.debug_id,
            )

    async def _find(
        self, keys: Sequence[pb.SnapshotKey], *, most: int
    ) -> list[tuple[PairKey, BundlePair | None, Freshness]]:
        if len(keys) > most:
            raise invalid("keys", f"keys has {len(keys)} entries; at most {most} are allowed")
        own = self._engine.version
        wanted = [mapping.read_pair_keys(key, f"keys[{i}]", own) for i, key in enumerate(keys)]
        pairs = iter(await self._cache.read([name for names in wanted for name in names]))
        now = self._now()
        found = []
        for names in wanted:
            its_pairs = itertools.islice(pairs, len(names))
            candidates = [
                (name, pair, assess_freshness(pair, now=now, own_version=own))
                for name, pair in zip(names, its_pairs, strict=True)
            ]
            # The first of equals. Another engine's fresh pair beats a stale one of this engine's: the stale one would
            # be refreshed by every reader, whichever engine refreshes it.
            found.append(max(candidates, key=lambda candidate: candidate[2]))
        return found
