"""Routes a request by path and method."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.http.handler import Handler
from services.gateway.http.problems import problem


class Routes:
    """Path → method → handler. A fixed path wins over one with a parameter.

    Fixed paths are found in a dictionary: matching patterns in turn is a tenth of the cost of a cached answer.
    """

    def __init__(self, table: Mapping[str, Mapping[str, Handler]]) -> None:
        routes = [Route(path, _ByMethod(handlers), methods=None) for path, handlers in table.items()]
        self._fixed = {route.path: route for route in routes if not route.param_convertors}
        parameterised = [route for route in routes if route.param_convertors]
        self._parameterised = Router(parameterised, redirect_slashes=False, default=_not_found)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """See ASGI. Raises WarmcastError(NOT_FOUND) for an unknown path."""
        route = self._fixed.get(scope["path"])
        app: ASGIApp = self._parameterised
        if route is not None:
            scope["route"], app = route, route.app
        return app(scope, receive, send)


class _ByMethod:
    """The handlers of one path; 405 with `Allow` for another method."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._allow = ", ".join(sorted(self._handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        handler = self._handlers.get(scope["method"])
        if handler is None:
            refused = WarmcastError(errors.METHOD_NOT_ALLOWED, f"this path allows {self._allow}")
            response = problem(refused, {"allow": self._allow})
        else:
            response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)


async def _not_found(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise WarmcastError(errors.NOT_FOUND, "unknown path; /docs lists the routes")
