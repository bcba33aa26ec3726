"""GET /api/forecast/trust-stats."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.bodies.trust import trust
from services.gateway.http.representation import Representation
from services.gateway.premium.cache_control import SETTLED
from services.gateway.routes.responses import encode
from services.gateway.upstream.clients import Jobs


@dataclass(frozen=True)
class TrustRoutes:
    """The accuracy of past forecasts."""

    jobs: Jobs

    async def stats(self, request: Request) -> Response:
        """The track record as JSON, or 304."""
        body = encode(trust(await self.jobs.trust_stats()))
        return Representation(body, {"cache-control": SETTLED}).respond(request.scope["headers"])
