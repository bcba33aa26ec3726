"""The composition root: wires the service, serves until a signal, and stops it in order."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import structlog
from warmcast.forecaster.v1 import forecaster_pb2_grpc as pb_grpc

from services.common.errors import WarmcastError
from services.common.rpc.server.interceptors import standard_interceptors
from services.common.rpc.server.readiness import follow_readiness
from services.common.rpc.server.server import Server, serve_metrics, until_signal
from services.common.runtime.background import Background, RefusedError
from services.common.runtime.shutdown import Ending
from services.forecaster.cache.connections import connect
from services.forecaster.cache.store import ForecastCache
from services.forecaster.rpc.servicer import GUARDED, SERVICE, UNBOUNDED, ForecasterServicer
from services.forecaster.settings import ForecasterSettings
from services.forecaster.workers.pool import Pool
from services.forecaster.workers.pooled_engine import PooledEngine

log = structlog.get_logger()

LONGEST_CALL = 10.0  # seconds, for every call but GenerateForecasts
_WORKERS_END_SECONDS = 15.0
_WARM_SECONDS = 300.0  # for the first workers to start, also on a busy machine


async def serve(settings: ForecasterSettings, pool: Pool) -> None:
    """Serves until a signal. `pool` must have been started; it is stopped here.

    Exits with status 2 if REDIS_URL names a cluster, and with a message if the port is in use.
    """
    cache = ForecastCache(connect(settings.redis_url.get_secret_value(), connections=settings.redis_connections))
    background = Background()
    server = Server(
        standard_interceptors(
            guarded=GUARDED,
            accepted_secrets=settings.accepted_secrets(),
            longest=LONGEST_CALL,
            unbounded=UNBOUNDED,
            max_concurrent_calls=settings.max_concurrent_calls,
        ),
        services=[SERVICE],
        max_connection_age=settings.max_connection_age_seconds,
        with_channelz=settings.channelz_enabled,
        alive=background.alive,
    )
    servicer = ForecasterServicer(
        cache=cache,
        pool=pool,
        engine=PooledEngine(pool, settings.engine_setting),
        now=lambda: datetime.now(UTC),
        beat_seconds=settings.beat_seconds,
    )
    pb_grpc.add_ForecasterServiceServicer_to_server(servicer, server.grpc)
    async with Ending() as ending:
        ending.will_close("Redis", cache.close)
        ending.will_close("workers", pool.stop, seconds=_WORKERS_END_SECONDS)
        ending.will_close("server", partial(server.stop, 0))
        ending.will_close("background", background.stop)
        ending.bound()
        serve_metrics(settings.metrics_port, service="forecaster")
        await server.start(settings.forecaster_listen, tls=settings.tls(), health=settings.health_listen)
        background.start("readiness", partial(Readiness(cache, pool).follow, server), bound=_WARM_SECONDS)
        await background.run_until(until_signal(drain=settings.lame_duck_seconds + settings.drain_seconds))
        log.info("stopping")
        background.drain()
        await server.leave(settings.lame_duck_seconds)
        await server.stop(settings.drain_seconds)
    log.info("stopped")


class Readiness:
    """The forecaster is ready when its workers are warm and Redis, not in cluster mode, serves reads."""

    def __init__(self, cache: ForecastCache, pool: Pool) -> None:
        self._cache = cache
        self._pool = pool
        self._warm = False
        self._single = False

    async def follow(self, server: Server) -> None:
        """Waits for warm workers, then updates the server's readiness until cancelled."""
        await self._refuse_cluster()
        if not self._warm:
            await self._pool.wait_until_warm()
            log.info("workers are warm", slots=self._pool.slots)
            self._warm = True
        await follow_readiness(server, self._check)

    async def _check(self) -> bool:
        if not self._single:
            await self._refuse_cluster()
        return self._warm and self._single and await self._cache.answers()

    async def _refuse_cluster(self) -> None:
        try:
            server = await self._cache.server()
        except WarmcastError:
            return  # checked again with the next probe
        if server.in_cluster_mode:
            raise RefusedError("REDIS_URL names a Redis in cluster mode; the forecaster needs a single primary")
        if server.evicts and not self._single:
            log.warning(
                "Redis may evict forecasts, which are then computed again; set maxmemory-policy to noeviction",
                maxmemory_policy=server.eviction_policy,
            )
        self._single = True
