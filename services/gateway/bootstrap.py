"""The gateway's composition root: the one place that knows all its parts."""

from __future__ import annotations

import asyncio
from functools import partial

from services.common.rpc.server.server import serve_metrics
from services.common.runtime.gc_tuning import collect_less_often
from services.common.runtime.shutdown import Ending
from services.common.settings import load
from services.common.telemetry.tracing import configure_logging
from services.gateway.app import assemble, create_app
from services.gateway.http import server
from services.gateway.settings import GatewaySettings
from services.gateway.upstream import clients

_REPORT_EVERY_SECONDS = 2.0


def run() -> None:
    """Reads the settings and runs until told to stop."""
    settings = load(GatewaySettings)
    configure_logging("gateway", log_format=settings.log_format, level=settings.log_level)
    collect_less_often()
    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        runner.run(_run(settings))


async def _run(settings: GatewaySettings) -> None:
    listening = server.listen(settings.gateway_host, settings.gateway_port)
    serve_metrics(settings.metrics_port, service="gateway")
    deadlines = clients.Deadlines(
        read=settings.rpc_timeout_seconds, command=settings.command_timeout_seconds, run=settings.run_warmup_seconds
    )
    tls = settings.tls()
    async with Ending() as ending:
        channels = []
        for name, open_channel, address in (
            ("channel to jobs", clients.open_jobs, settings.jobs_addr),
            ("channel to the forecaster", clients.open_forecaster, settings.forecaster_addr),
            ("channel for changes", clients.open_watch, settings.jobs_addr),
        ):
            channel = open_channel(address, tls)
            ending.will_close(name, channel.close)
            channels.append(channel)
        to_jobs, to_forecaster, watching_jobs = channels
        jobs, forecaster = clients.Jobs(to_jobs, deadlines), clients.Forecaster(to_forecaster, deadlines)
        parts = assemble(settings, jobs, forecaster, clients.WarmupWatch(watching_jobs))
        ending.will_close("demand", parts.demand.flush)
        ending.will_close("background", parts.background.stop)
        ending.bound()
        parts.background.start("demand", partial(parts.demand.report_every, _REPORT_EVERY_SECONDS))
        parts.background.start("changes", parts.live.run)
        await server.serve(
            create_app(parts),
            listening,
            settings,
            parts.readiness,
            parts.live.close,
            background=parts.background,
        )
