"""The real application with fake jobs and forecaster services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp

from services.gateway.app import Components, create_app
from services.gateway.bootstrap import build_components, rpc_deadlines
from services.gateway.http.readiness import Readiness
from services.gateway.premium.demand import Demand
from services.gateway.settings import GatewaySettings
from services.gateway.upstream import clients
from services.gateway.upstream.operations import Operations, open_operations
from tests.integration.gateway.data import cached, forecasts, job, warmup
from tests.integration.gateway.peers import FakeForecaster, FakeJobs, listening

SECRET = "a secret of the tests"
READ_SECONDS = 50.0  # deadline of a call that reads; no busy machine exceeds it


@dataclass
class World:
    """A gateway and its fake dependencies."""

    jobs: FakeJobs
    forecaster: FakeForecaster
    client: httpx.AsyncClient  # without a secret
    operator: httpx.AsyncClient  # with it
    components: Components
    app: ASGIApp

    @property
    def demand(self) -> Demand:
        """The demand that is not reported yet."""
        return self.components.demand

    @property
    def readiness(self) -> Readiness:
        """The readiness behind /readyz."""
        return self.components.readiness

    def reply(self, **replies: Any) -> None:
        """Sets replies by the name of the RPC, for both services."""
        self.jobs.replies.update(replies)
        self.forecaster.replies.update(replies)


OpenWorld: TypeAlias = Callable[..., AbstractAsyncContextManager[World]]


@asynccontextmanager
async def opened_world(**settings: Any) -> AsyncIterator[World]:
    """A gateway with those settings and one comparison, ready and fresh."""
    values: dict[str, Any] = {
        "warmup_secret": SecretStr(SECRET),
        "metrics_port": 0,
        "warm_answer_seconds": 0,
        "rpc_timeout_seconds": READ_SECONDS,
        **settings,
    }
    jobs, forecaster = FakeJobs(), FakeForecaster()
    async with listening(jobs, forecaster) as address:
        values = {"jobs_addr": address, "forecaster_addr": address, **values}
        configured = GatewaySettings(**values)
        deadlines = rpc_deadlines(configured)
        async with (
            clients.open_jobs(configured.jobs_addr) as to_jobs,
            clients.open_forecaster(configured.forecaster_addr) as to_forecaster,
            clients.open_watch(configured.jobs_addr) as watching,
            open_operations(configured.jobs_addr) as to_operations,
        ):
            components = build_components(
                configured,
                clients.Jobs(to_jobs, deadlines),
                clients.Forecaster(to_forecaster, deadlines),
                clients.WarmupWatch(watching),
                Operations(to_operations, deadlines),
            )
            components.readiness.ready = True
            app = create_app(components)
            base = {"transport": httpx.ASGITransport(app), "base_url": "http://gateway"}
            async with (
                httpx.AsyncClient(**base) as client,  # type: ignore[arg-type] # of several types
                httpx.AsyncClient(**base, headers={"X-Warmup-Secret": SECRET}) as operator,  # type: ignore[arg-type] # same
            ):
                world = World(jobs, forecaster, client, operator, components, app)
                world.reply(GetWarmup=warmup(job()), GetForecasts=forecasts(cached()))
                yield world


@pytest.fixture
def open_world() -> OpenWorld:
    """Starts a gateway with the test's settings."""
    return opened_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gateway with default settings."""
    async with opened_world() as opened:
        yield opened
