"""From a request's path and method to its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.warmup_secret import Handler
from services.gateway.http.problems import problem


class Routes:
    """Path → method → handler. A path of fixed words comes before one with a parameter in the same place.

    Fixed paths are looked up in one step: trying each route's pattern in turn took a tenth of an answer from memory.
    """

    def __init__(self, table: Mapping[str, Mapping[str, Handler]]) -> None:
        routes = [Route(path, _ByMethod(handlers), methods=None) for path, handlers in table.items()]
        self._fixed = {route.path: route for route in routes if not route.param_convertors}
        others = [route for route in routes if route.param_convertors]
        self._others = Router(others, redirect_slashes=False, default=_not_found)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """See ASGI. Raises WarmcastError(NOT_FOUND) where there is no such path."""
        route = self._fixed.get(scope["path"])
        app: ASGIApp = self._others
        if route is not None:
            scope["route"], app = route, route.app
        return app(scope, receive, send)


class _ByMethod:
    """One path: the handler of the request's method, or 405 with the methods that there are."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._allow = ", ".join(sorted(self._handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        handler = self._handlers.get(scope["method"])
        if handler is None:
            refused = WarmcastError(errors.METHOD_NOT_ALLOWED, f"allowed here: {self._allow}")
            response = problem(refused, {"allow": self._allow})
        else:
            response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)


async def _not_found(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise WarmcastError(errors.NOT_FOUND, "there is nothing at this path; /docs lists what there is")
