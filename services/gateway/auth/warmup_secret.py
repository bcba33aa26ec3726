"""The routes that change state, or show how things run inside, need the warmup secret."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from services.common.rpc.server.interceptors import authorise

HEADER = "X-Warmup-Secret"

Handler = Callable[[Request], Awaitable[Response]]
GuardedHandler = Callable[[Request, str], Awaitable[Response]]


@dataclass(frozen=True)
class Guard:
    """Lets a request through with an accepted secret, which then travels on to jobs."""

    accepted: tuple[str, ...]

    def __call__(self, handler: GuardedHandler) -> Handler:
        """`handler` behind the check, which comes before anything else of the request is looked at."""

        async def guarded(request: Request) -> Response:
            given = request.headers.get(HEADER, "")
            authorise(given, self.accepted)
            return await handler(request, given)

        return guarded
