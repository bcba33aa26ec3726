"""The types of a route's handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]
SecretHandler = Callable[[Request, str], Awaitable[Response]]  # also takes the warmup secret, which jobs checks again
