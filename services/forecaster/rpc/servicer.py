"""The gRPC servicer: validates, calls the application, maps the result."""

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
from services.forecaster.cache.bundles import BundlePair, ForecastKey
from services.forecaster.cache.freshness import Freshness, assess_freshness
from services.forecaster.cache.inspection import inspect, key_names
from services.forecaster.cache.store import ForecastCache
from services.forecaster.generate import Clock, Engine, Generated, GenerateRequest, generate
from services.forecaster.rpc import mapping
from services.forecaster.rpc.inspection import write_inspection
from services.forecaster.workers.pool import Pool

log = structlog.get_logger()

SERVICE = "warmcast.forecaster.v1.ForecasterService"
GUARDED = frozenset(f"/{SERVICE}/{method}" for method in ("GenerateForecasts", "RecordFailure"))
UNBOUNDED = frozenset({f"/{SERVICE}/GenerateForecasts"})  # ends by the pool's deadline or when the call is cancelled
MAX_GET, MAX_CHECK = 100, 500  # keys; 100 pairs of five years have about 2 MB

RUNS = count_from_zero(
    Counter("warmcast_forecaster_generate_total", "Runs, by outcome", ["outcome"]),
    ("computed", "adopted", "cancelled", "crashed", *(name.lower() for name in errors.REASONS)),
)
SECONDS = Histogram(
    "warmcast_forecaster_generate_seconds",
    "Duration of a run, including its wait for a slot",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120),
)

Context = grpc.aio.ServicerContext[Any, Any]  # the same for every method


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
        """Sends a heartbeat at once and every few seconds, then the result."""
        run_request = mapping.read_request(request)
        run = asyncio.create_task(self._run_counted(run_request))
        # If the call is cancelled while a heartbeat is being sent, the code below does not run; this callback does.
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
        """Returns the stored bundles with their freshness."""
        found = await self._find(request.keys, limit=MAX_GET)
        return pb.GetForecastsResponse(
            forecasts=[mapping.write_cached(*one) for one in found], engine_version=self._engine.version
        )

    async def CheckForecasts(self, request: pb.CheckForecastsRequest, context: Context) -> pb.CheckForecastsResponse:
        """Returns the freshness of bundles."""
        found = await self._find(request.keys, limit=MAX_CHECK)
        return pb.CheckForecastsResponse(freshness=[mapping.write_freshness(freshness) for _, _, freshness in found])

    async def RecordFailure(self, request: pb.RecordFailureRequest, context: Context) -> pb.RecordFailureResponse:
        """Writes the debugging keys unless a newer lease owns them."""
        snapshot, lease_id, status, error = mapping.read_failure(request)
        await self._cache.mark_failed(snapshot, lease_id, status=status, error=error, now=self._now())
        return pb.RecordFailureResponse()

    async def Describe(self, request: pb.DescribeRequest, context: Context) -> pb.DescribeResponse:
        """Returns engine version and worker slots. Raises UNAVAILABLE while the cache refuses writes."""
        # Callers claim jobs for the slots, and runs fail while the cache refuses writes.
        await self._cache.check_writes()
        return pb.DescribeResponse(
            engine_version=self._engine.version,
            worker_slots=self._pool.slots,
            replica_id=self._replica_id,
            busy_slots=self._pool.busy_slots,
        )

    async def InspectKeys(self, request: pb.InspectKeysRequest, context: Context) -> pb.InspectKeysResponse:
        """Returns every Redis key of a snapshot, as it is stored."""
        own = self._engine.version
        keys = mapping.read_forecast_keys(request.key, "key", own)
        stored = await self._cache.read_values(key_names(keys))
        return write_inspection(inspect(keys, stored, now=self._now(), own_version=own), own_version=own)

    async def _run_counted(self, run_request: GenerateRequest) -> Generated:
        began, outcome = time.perf_counter(), "crashed"
        try:
            async with self._pool.admit():
                generated = await generate(run_request, store=self._cache, engine=self._engine, now=self._now)
            outcome = "adopted" if generated.adopted else "computed"
            return generated
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
                slug=run_request.snapshot.slug,
                lease_id=run_request.lease_id,
                debug_id=run_request.debug_id,
            )

    async def _find(
        self, keys: Sequence[pb.SnapshotKey], *, limit: int
    ) -> list[tuple[ForecastKey, BundlePair | None, Freshness]]:
        if len(keys) > limit:
            raise invalid("keys", f"keys has {len(keys)} entries; at most {limit} are allowed")
        own = self._engine.version
        key_lists = [mapping.read_forecast_keys(key, f"keys[{i}]", own) for i, key in enumerate(keys)]
        pairs = iter(await self._cache.read([key for pair_keys in key_lists for key in pair_keys]))
        now = self._now()
        found = []
        for pair_keys in key_lists:
            its_pairs = itertools.islice(pairs, len(pair_keys))
            candidates = [
                (key, pair, assess_freshness(pair, now=now, own_version=own))
                for key, pair in zip(pair_keys, its_pairs, strict=True)
            ]
            # The first of equals. Another engine's fresh pair is preferred to a stale one of this engine, which every
            # reader would try to refresh.
            found.append(max(candidates, key=lambda candidate: candidate[2]))
        return found
