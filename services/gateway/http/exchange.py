"""One request and the state of its response, shared by all middleware."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import Message, Scope, Send

from services.common.telemetry.trace_context import Traceparent

_SCOPE_KEY = "warmcast.exchange"
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_POLICY = b"content-security-policy"
# For what is no page: a browser that shows it as a document loads and runs nothing.
_NOTHING = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")
_NOT_MODIFIED = 304


class Exchange:
    """Wraps `send`: records status and size, and adds the headers that middleware has for every response.

    One wrapper serves all middleware, because one per middleware costs as much time as the middleware itself.
    """

    __slots__ = ("_send", "headers", "request_id", "sent", "status", "trace")

    def __init__(self, scope: Scope, send: Send, request_id: str, trace: Traceparent) -> None:
        self._send = send
        self.request_id, self.trace = request_id, trace
        self.headers: list[tuple[bytes, bytes]] = []  # added to the response
        self.status: int | None = None  # None until the response begins
        self.sent = 0  # bytes of its body
        scope[_SCOPE_KEY] = self

    @staticmethod
    def of(scope: Scope) -> Exchange:
        """The exchange of this scope's request."""
        exchange: Exchange = scope[_SCOPE_KEY]
        return exchange

    def end(self, scope: Scope) -> None:
        """Removes the exchange from the scope; the reference cycle would otherwise wait for the garbage collector."""
        del scope[_SCOPE_KEY]

    def send(self, message: Message) -> Awaitable[None]:
        """See ASGI."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # A new list: the headers of a cached answer are shared.
            message["headers"] = [*message["headers"], *self.headers]
            if self.status != _NOT_MODIFIED:  # which has no body
                message["headers"].append(_NO_SNIFFING)
                if all(name != _POLICY for name, _ in message["headers"]):
                    message["headers"].append(_NOTHING)
        else:
            self.sent += len(message.get("body", b""))
        return self._send(message)
