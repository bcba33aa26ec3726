"""The gateway's composition root: reads the settings, builds every component, runs the server."""

from __future__ import annotations

import asyncio
from functools import partial

from services.common.rpc.server.server import serve_metrics
from services.common.runtime.background import Background
from services.common.runtime.gc_tuning import collect_less_often
from services.common.runtime.shutdown import Ending
from services.common.settings import load
from services.common.telemetry.logs import configure_logging
from services.gateway.app import Components, create_app
from services.gateway.http import server
from services.gateway.http.connection.bounds import Bounds
from services.gateway.http.readiness import Readiness
from services.gateway.premium.cache import AnswerCache
from services.gateway.premium.change_feed import ChangeFeed
from services.gateway.premium.demand import Demand
from services.gateway.premium.rendered import Renderer
from services.gateway.premium.service import PremiumService
from services.gateway.premium.stale_cache import StaleCache
from services.gateway.settings import GatewaySettings, split
from services.gateway.upstream import clients
from services.gateway.upstream.calls import Deadlines
from services.gateway.upstream.operations import Operations, open_operations

_DEMAND_INTERVAL_SECONDS = 2.0


def run() -> None:
    """Runs the gateway until SIGTERM or SIGINT."""
    settings = load(GatewaySettings)
    configure_logging("gateway", log_format=settings.log_format, level=settings.log_level)
    collect_less_often()
    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        runner.run(_run(settings))


async def _run(settings: GatewaySettings) -> None:
    listening = server.listen(settings.gateway_host, settings.gateway_port)
    serve_metrics(settings.metrics_port, service="gateway")
    tls, deadlines = settings.tls(), rpc_deadlines(settings)
    async with Ending() as ending:
        channels = []
        for name, open_channel, address in (
            ("channel to jobs", clients.open_jobs, settings.jobs_addr),
            ("channel to the forecaster", clients.open_forecaster, settings.forecaster_addr),
            ("channel for warmup changes", clients.open_watch, settings.jobs_addr),
            ("channel for operators", open_operations, settings.jobs_addr),
        ):
            channel = open_channel(address, tls)
            ending.will_close(name, channel.close)
            channels.append(channel)
        jobs_channel, forecaster_channel, watch_channel, operations_channel = channels
        components = build_components(
            settings,
            clients.Jobs(jobs_channel, deadlines),
            clients.Forecaster(forecaster_channel, deadlines),
            clients.WarmupWatch(watch_channel),
            Operations(operations_channel, deadlines),
        )
        background, changes = components.background, components.changes
        ending.will_close("demand", components.demand.flush)
        ending.will_close("background", background.stop)
        ending.bound()
        background.start("demand", partial(components.demand.report_every, _DEMAND_INTERVAL_SECONDS))
        background.start("changes", changes.run)
        await server.serve(
            create_app(components),
            listening,
            server_options(settings),
            components.readiness,
            changes.close,
            background=background,
        )


def build_components(
    settings: GatewaySettings,
    jobs: clients.Jobs,
    forecaster: clients.Forecaster,
    watch: clients.WarmupWatch,
    operations: Operations,
) -> Components:
    """What the routes need, on top of these clients."""
    service = PremiumService(jobs, forecaster, StaleCache(settings.memory_answers))
    private = settings.debug_api_headers or bool(settings.keys())
    answers = AnswerCache(
        service.get_answer,
        Renderer(debug=settings.debug_api_headers, private=private),
        seconds=settings.warm_answer_seconds,
        limit=settings.warm_answers,
    )
    changes = ChangeFeed(watch, answers, max_streams=settings.event_streams)
    return Components(
        settings,
        jobs,
        forecaster,
        operations,
        demand=Demand(jobs),
        readiness=Readiness(),
        answers=answers,
        changes=changes,
        background=Background(),
    )


def rpc_deadlines(settings: GatewaySettings) -> Deadlines:
    """The deadlines of calls to jobs and the forecaster."""
    return Deadlines(
        read=settings.rpc_timeout_seconds, command=settings.command_timeout_seconds, run=settings.run_warmup_seconds
    )


def server_options(settings: GatewaySettings) -> server.ServerOptions:
    """The options of the HTTP server."""
    return server.ServerOptions(
        bounds=Bounds(
            head_bytes=settings.max_head_bytes,
            body_bytes=settings.max_body_bytes,
            head_seconds=settings.head_timeout_seconds,
            body_seconds=settings.body_timeout_seconds,
            write_seconds=settings.write_timeout_seconds,
            connections=settings.max_connections,
        ),
        trusted_proxies=split(settings.forwarded_allow_ips),
        lame_duck_seconds=settings.lame_duck_seconds,
        drain_seconds=settings.drain_seconds,
    )
