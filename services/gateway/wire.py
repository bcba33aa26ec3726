"""The HTTP connection below the application: what never becomes a request is bounded, and refused as a problem too."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.common import errors, telemetry
from services.common.errors import WarmcastError
from services.gateway import access
from services.gateway.middleware import REQUESTS
from services.gateway.problems import problem

log = structlog.get_logger()

_MALFORMED = WarmcastError(errors.MALFORMED_REQUEST, "this is not an HTTP/1.1 request that can be read")


def connection(*, head_timeout: float, most_head_bytes: int) -> type[Connection]:
    """The protocol of one gateway: a request's head has so many seconds and bytes to arrive in."""

    class Bounded(Connection):
        """With this gateway's bounds."""

        HEAD_TIMEOUT = head_timeout
        MOST_HEAD_BYTES = most_head_bytes

    return Bounded


class Connection(HttpToolsProtocol):
    """uvicorn's connection with a bound on heads, which it leaves to the parser, and the parser to nobody.

    A head that comes in one piece, as nearly all do, costs nothing but two comparisons.
    """

    HEAD_TIMEOUT: float  # seconds
    MOST_HEAD_BYTES: int
    leaving = False  # each answer is the last of its connection, and its client opens the next elsewhere

    _head_began = False  # a request line is being read, and its headers are not over
    _head_bytes = 0  # that came since it began, of a body perhaps the first
    _head_timer: asyncio.TimerHandle | None = None
    _refusal: WarmcastError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self.transport.is_closing():
            return  # what a refused client goes on to send
        self._head_bytes = self._head_bytes + len(data) if self._head_began else len(data)
        super().data_received(data)
        if not self._head_began or self.transport.is_closing():
            return
        if self._head_bytes > self.MOST_HEAD_BYTES:
            self._refuse(self._too_large())
        elif self._head_timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        """See httptools."""
        self._head_began = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """See httptools. What is raised here ends in `send_400_response`."""
        self._head_began = False
        self._stop_timer()
        if self._head_bytes > self.MOST_HEAD_BYTES and self._head_length() > self.MOST_HEAD_BYTES:
            self._refusal = self._too_large()
            raise self._refusal
        super().on_headers_complete()
        if self.leaving:
            self.leave()

    def leave(self) -> None:
        """Makes the answer that is under way, and each that is asked for already, the last of this connection."""
        for cycle in (self.cycle, *(queued for queued, _ in self.pipeline)):
            if cycle is not None:
                cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser could not read, unless an answer is under way: then that one is the last."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and (cycle.response_started or not cycle.more_body):
            cycle.keep_alive = False
            self.transport.pause_reading()
            return
        self._refuse(self._refusal or _MALFORMED)

    def _refuse(self, error: WarmcastError) -> None:
        """Answers without the application, says so in the log, and ends the connection."""
        self._stop_timer()
        identity = telemetry.new_request_id()
        token = telemetry.request_id.set(identity)
        try:
            response = problem(error, {"connection": "close", "x-request-id": identity})
        finally:
            telemetry.request_id.reset(token)
        status = HTTPStatus(response.status_code)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
        lines += [name + b": " + value for name, value in (*self.server_state.default_headers, *response.raw_headers)]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))
        self.transport.close()
        REQUESTS.labels("none", "other", str(status.value)).inc()
        who: Any = access.who({"client": self.client})
        log.info("request", method="other", path="", status=status.value, request_id=identity, why=error.detail, **who)

    def _head_length(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_large(self) -> WarmcastError:
        detail = f"the request line and headers are larger than {self.MOST_HEAD_BYTES} bytes"
        return WarmcastError(errors.HEADERS_TOO_LARGE, detail)

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.HEAD_TIMEOUT, self._too_slow)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        detail = f"the request's head did not arrive within {self.HEAD_TIMEOUT:g} s"
        self._refuse(WarmcastError(errors.REQUEST_TIMEOUT, detail))
