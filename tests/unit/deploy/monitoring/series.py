"""Prints the series that the services export before their first event, as JSON: metric → label → values."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any, cast

from prometheus_client import REGISTRY, Counter

from devtools import metrics
from services.common.rpc.server.interceptors import count_calls_from_zero
from services.common.rpc.services import FORECASTER, JOBS, OPERATIONS
from services.common.runtime.background import Background
from services.gateway.app import create_app
from services.gateway.bootstrap import build_components
from services.gateway.settings import GatewaySettings
from services.jobs.application.reports import queue_gauges
from services.jobs.rpc import servicer
from services.jobs.rpc.idempotency import IdempotencyInterceptor
from services.jobs.rpc.operations import servicer as operations


def main() -> None:
    """Registers the metrics of all services, as each does at its start."""
    metrics.page()
    unused = cast("Any", None)  # the constructors do not call it
    create_app(build_components(GatewaySettings(anonymous_rate="10"), unused, unused, unused, unused))
    IdempotencyInterceptor(unused, servicer.GUARDED | operations.GUARDED)
    for service in (JOBS, OPERATIONS, FORECASTER):
        count_calls_from_zero(service.name)
    asyncio.run(_loops(queue_gauges.QueueGauges(unused)))
    print(json.dumps({name: _values(found) for found, name in _own_metrics()}))


async def _loops(gauges: queue_gauges.QueueGauges) -> None:
    background = Background()
    background.start("a loop", partial(asyncio.sleep, 60))
    await gauges.refresh()  # fails, which sets the gauges to unknown
    await background.stop()


def _own_metrics() -> list[tuple[Any, str]]:
    named = [(found, sorted(names)) for found, names in REGISTRY._collector_to_names.items()]
    return [
        (found, next((each for each in names if each.endswith("_total")), names[0]))
        for found, names in named
        if names[0].startswith("warmcast_")
    ]


def _values(found: Any) -> dict[str, list[str]] | None:
    """None for a counter with labels that has no series."""
    labels = found._labelnames
    series = list(found._metrics) if labels else []
    if isinstance(found, Counter) and labels and not series:
        return None
    return {label: sorted({each[place] for each in series}) for place, label in enumerate(labels)}


if __name__ == "__main__":
    main()
