"""The composition root of jobs."""

from __future__ import annotations

import asyncio
import socket
import uuid
from functools import partial

import structlog
from warmcast.jobs.v1 import jobs_pb2_grpc, operations_pb2_grpc

from services.common.rpc.server.interceptors import standard_interceptors
from services.common.rpc.server.readiness import follow_readiness
from services.common.rpc.server.server import Server, serve_metrics, until_signal
from services.common.runtime.background import Background
from services.common.runtime.shutdown import Ending
from services.jobs.application.capacity import Capacity
from services.jobs.application.change_feed import ChangeFeed
from services.jobs.application.dispatcher import Dispatcher
from services.jobs.application.enqueue import Enqueuer
from services.jobs.application.importer import Importer
from services.jobs.application.operations.bulk import Bulk
from services.jobs.application.operations.schedules import Schedules
from services.jobs.application.refresher import Refresher
from services.jobs.application.reports.queue_gauges import QueueGauges
from services.jobs.application.reports.rollup import RollupLoop
from services.jobs.application.runner import Runner
from services.jobs.application.scorer import Scorer
from services.jobs.application.sweeper import Sweeper
from services.jobs.domain.reports.history import holder_name
from services.jobs.migrator import commands
from services.jobs.postgres.attempts import Attempts
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.comparisons import Comparisons
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.driver.listener import Listener
from services.jobs.postgres.idempotency_keys import IdempotencyKeys
from services.jobs.postgres.listings import Listings
from services.jobs.postgres.operations.actions import ActionLog
from services.jobs.postgres.operations.bulk import BulkOperations
from services.jobs.postgres.queue import Queue
from services.jobs.postgres.reports.accuracy import AccuracyReports
from services.jobs.postgres.reports.coverage import Coverage
from services.jobs.postgres.reports.holders import Holders
from services.jobs.postgres.reports.rollup import Rollup
from services.jobs.postgres.reports.statistics import AttemptStatistics
from services.jobs.postgres.schema_readiness import SchemaReadiness
from services.jobs.postgres.search import Search
from services.jobs.postgres.track_record import TrackRecord
from services.jobs.rpc import servicer
from services.jobs.rpc.forecaster_client import GrpcForecaster
from services.jobs.rpc.idempotency import IdempotencyInterceptor
from services.jobs.rpc.operations import servicer as operations
from services.jobs.settings import JobsSettings

log = structlog.get_logger()

_LONGEST_CALL = 60.0  # seconds
_LAST_RESPONSES = 1.0  # seconds, for calls that waited for a run that was handed back
_GRACE = 5.0  # seconds, for calls whose callers have disconnected


async def serve(settings: JobsSettings) -> None:
    """Wires and runs the service until a signal, then drains it."""
    policy = settings.policy()
    secrets = _accepted_secrets(settings)
    background = Background()
    url = settings.database_url.get_secret_value()
    database = Database(url, pool_size=settings.database_pool_size)
    tls = settings.tls()
    forecaster = GrpcForecaster(
        settings.forecaster_addr,
        tls=tls,
        secret=secrets[0] if secrets else None,
        attempt_deadline=policy.attempt_deadline,
    )
    publisher = ChangePublisher(database)
    queue = Queue(database, policy, holder=holder_name(socket.gethostname(), uuid.uuid4().hex[:8]), publisher=publisher)
    comparisons = Comparisons(database, policy, publisher)
    listings = Listings(database, policy)
    record = TrackRecord(database)
    search = Search(database)
    actions = ActionLog(database)
    coverage = Coverage(database, policy, search, forecaster.engine_version)
    change_feed = ChangeFeed(listings.changed)
    dispatcher = Dispatcher(queue, Runner(queue, forecaster, policy), forecaster, poll=settings.poll_seconds)
    bulk = Bulk(
        BulkOperations(
            database,
            coverage,
            holder=queue.holder,
            publisher=publisher,
            slots=Capacity(dispatcher.forecaster_info).slots,
        )
    )
    idempotency = IdempotencyInterceptor(IdempotencyKeys(database), servicer.GUARDED | operations.GUARDED)
    server = _server(settings, secrets, idempotency, background)
    service = servicer.JobsServicer(
        importer=Importer(comparisons, Scorer(record)),
        comparisons=comparisons,
        enqueuer=Enqueuer(queue, comparisons, listings),
        listings=listings,
        search=search,
        record=record,
        retention=queue,
        change_feed=change_feed,
        dispatcher=dispatcher,
        refresher=Refresher(queue, dispatcher.forecaster_info),
        sweeper=Sweeper(queue, listings, forecaster),
        schedules=Schedules(actions),
        dispatching=settings.dispatcher_enabled,
    )
    jobs_pb2_grpc.add_JobsServiceServicer_to_server(service, server.grpc)
    operators_service = operations.OperationsServicer(
        accuracy=AccuracyReports(database),
        actions=actions,
        attempts=Attempts(database),
        bulk=bulk,
        coverage=coverage,
        dispatcher=dispatcher,
        holders=Holders(database),
        statistics=AttemptStatistics(database),
    )
    operations_pb2_grpc.add_OperationsServiceServicer_to_server(operators_service, server.grpc)

    async with Ending() as ending:
        ending.will_close("PostgreSQL", database.close)
        ending.will_close("channels to the forecaster", forecaster.close)
        ending.will_close("server", partial(server.stop, 0))
        ending.will_close("background", background.stop)
        ending.bound()
        serve_metrics(settings.metrics_port, service="jobs")
        # Before the database: a pending connection must not keep the process alive when the port is taken.
        await server.start(settings.jobs_listen, tls=tls, health=settings.health_listen)
        schema = SchemaReadiness(database, url, oldest=commands.base(), required=commands.head())
        listener = Listener(
            settings.listen_url(),
            on_wake_up=dispatcher.wake,
            on_change=change_feed.on_change,
            on_missed=change_feed.on_missed,
        )
        background.start("readiness", partial(follow_readiness, server, schema.ready))
        background.start("changes", change_feed.run)
        background.start("replicas", partial(forecaster.follow, dispatcher.wake))
        for name, work in (
            ("listen", listener.run),
            ("notify", publisher.run),
            ("gauges", QueueGauges(listings.depth).run),
            ("bulk", bulk.run),
            ("statistics", RollupLoop(Rollup(database)).run),
            *((("dispatch", dispatcher.dispatch),) if settings.dispatcher_enabled else ()),
        ):
            background.start(name, partial(schema.then, work))
        await background.run_until(until_signal(drain=settings.lame_duck_seconds + settings.drain_seconds + _GRACE))
        log.info("stopping")
        background.drain()
        await server.leave(settings.lame_duck_seconds)
        change_feed.close()
        # Calls that wait for a run get their response once it has ended or was handed back.
        stopping = asyncio.create_task(server.stop(settings.drain_seconds + _LAST_RESPONSES))
        await dispatcher.drain(settings.drain_seconds)
        await stopping
        await idempotency.drain(_GRACE)
        await background.stop()  # an interrupted publish is repeated by the flush
        await publisher.flush()


def _accepted_secrets(settings: JobsSettings) -> tuple[str, ...]:
    secrets = settings.accepted_secrets()
    if not secrets:
        log.error("WARMUP_SECRET is not set: no forecasts can be computed, and every call that needs it is refused")
    return secrets


def _server(
    settings: JobsSettings, secrets: tuple[str, ...], idempotency: IdempotencyInterceptor, background: Background
) -> Server:
    chain = standard_interceptors(
        guarded=servicer.GUARDED | operations.GUARDED,
        accepted_secrets=secrets,
        longest=_LONGEST_CALL,
        unbounded=servicer.UNBOUNDED | operations.UNBOUNDED,
        max_concurrent_calls=settings.max_concurrent_calls,
    )
    return Server(
        chain,
        services=[servicer.SERVICE, operations.SERVICE],
        inner=[idempotency],
        max_connection_age=settings.max_connection_age_seconds,
        with_channelz=settings.channelz_enabled,
        alive=background.alive,
    )
