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
from tests.integration.gateway.data import cached, forecasts, job, warmup
from tests.integration.gateway.peers import FakeForecaster, FakeJobs, listening

SECRET = "a secret of the tests"


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

    def says(self, **replies: Any) -> None:
        """Sets replies by the name of the RPC, for both services."""
        self.jobs.replies.update(replies)
        self.forecaster.replies.update(replies)


OpenWorld: TypeAlias = Callable[..., AbstractAsyncContextManager[World]]


@asynccontextmanager
async def _open_world(**settings: Any) -> AsyncIterator[World]:
    """A gateway with those settings and one comparison, ready and fresh."""
    chosen: dict[str, Any] = {
        "warmup_secret": SecretStr(SECRET),
        "metrics_port": 0,
        "warm_answer_seconds": 0,
        **settings,
    }
    jobs, forecaster = FakeJobs(), FakeForecaster()
    async with listening(jobs, forecaster) as address:
        chosen = {"jobs_addr": address, "forecaster_addr": address, **chosen}
        given = GatewaySettings(**chosen)
        deadlines = rpc_deadlines(given)
        async with (
            clients.open_jobs(given.jobs_addr) as to_jobs,
            clients.open_forecaster(given.forecaster_addr) as to_forecaster,
            clients.open_watch(given.jobs_addr) as watching,
        ):
            components = build_components(
                given,
                clients.Jobs(to_jobs, deadlines),
                clients.Forecaster(to_forecaster, deadlines),
                clients.WarmupWatch(watching),
            )
            components.readiness.ready = True
            app = create_app(components)
            base = {"transport": httpx.ASGITransport(app), "base_url": "http://gateway"}
            async with (
                httpx.AsyncClient(**base) as client,  # type: ignore[arg-type] # of several types
                httpx.AsyncClient(**base, headers={"X-Warmup-Secret": SECRET}) as operator,  # type: ignore[arg-type] # same
            ):
                world = World(jobs, forecaster, client, operator, components, app)
                world.says(GetWarmup=warmup(job()), GetForecasts=forecasts(cached()))
                yield world


@pytest.fixture
def open_world() -> OpenWorld:
    """Starts a gateway with the test's settings."""
    return _open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gateway with default settings."""
    async with _open_world() as opened:
        yield opened
