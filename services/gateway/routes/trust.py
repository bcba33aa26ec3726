"""GET /api/forecast/trust-stats."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.gateway import bodies
from services.gateway.premium.caching import SETTLED
from services.gateway.representation import Representation
from services.gateway.upstream import Jobs


@dataclass(frozen=True)
class TrustRoutes:
    """How past forecasts did."""

    jobs: Jobs

    async def stats(self, request: Request) -> Response:
        """The track record as JSON, or 304 when the client has it."""
        body = bodies.encode(bodies.trust(await self.jobs.trust_stats()))
        return Representation(body, {"cache-control": SETTLED}).respond(request.scope["headers"])
