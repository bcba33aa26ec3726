"""One request on its way through the chain, and what is known of its answer."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import Message, Scope, Send

from services.common.telemetry.tracing import Traceparent

_PLACE = "warmcast.exchange"  # in the scope
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_NOT_MODIFIED = 304


class Exchange:
    """The `send` of a request: it notes what goes out, and adds the headers that links have for every answer.

    There is one for all links, since a `send` of each link's own, wrapped around the next, takes as long as the links.
    """

    __slots__ = ("_send", "headers", "request_id", "sent", "status", "trace")

    def __init__(self, scope: Scope, send: Send, request_id: str, trace: Traceparent) -> None:
        self._send = send
        self.request_id, self.trace = request_id, trace
        self.headers: list[tuple[bytes, bytes]] = []  # of the answer, whatever it will be
        self.status: int | None = None  # None until the answer begins
        self.sent = 0  # bytes of its body
        scope[_PLACE] = self

    @staticmethod
    def of(scope: Scope) -> Exchange:
        """The exchange that the request of this scope belongs to."""
        exchange: Exchange = scope[_PLACE]
        return exchange

    def end(self, scope: Scope) -> None:
        """Leaves the scope: a server that keeps it beside its `send` would close a circle that only a search frees."""
        del scope[_PLACE]

    def send(self, message: Message) -> Awaitable[None]:
        """See ASGI."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # A new list: the headers of an answer from memory belong to others too.
            message["headers"] = [*message["headers"], *self.headers]
            if self.status != _NOT_MODIFIED:  # which has no body to be misread
                message["headers"].append(_NO_SNIFFING)
        else:
            self.sent += len(message.get("body", b""))
        return self._send(message)
