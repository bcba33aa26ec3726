"""One HTTP connection with limits of size and time; httptools parses."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from enum import Enum, auto

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.http.connection import refusal
from services.gateway.http.connection.bounds import (
    MAX_CHUNKS,
    MAX_DROPPED_CHUNKS,
    MAX_HEADERS,
    MAX_PARSED_BYTES,
    MIN_PARSED_BYTES,
    Bounds,
)
from services.gateway.http.connection.flow import Flow

_END_OF_HEAD = b"\r\n\r\n"
_LINE_BREAKS = b"\r\n"
_TOO_MANY_CHUNKS = WarmcastError(
    errors.MALFORMED_REQUEST, f"the body has more than {MAX_CHUNKS} chunks; send larger ones"
)
_VERSIONS = ("1.1", "1.0")


class Stage(Enum):
    """What a connection waits for."""

    IDLE = auto()  # a request
    HEAD = auto()  # the rest of a head
    BODY = auto()  # the rest of a body, even after the response
    ANSWER = auto()  # the application; bytes received meanwhile are held unparsed


def connection_class(bounds: Bounds) -> type[Connection]:
    """A subclass of Connection with those limits."""
    return type("BoundedConnection", (Connection,), {"bounds": bounds})


def enforce_deadlines(connections: Iterable[object], now: float) -> None:
    """Closes each connection that is past a deadline; call it every `Bounds.sweep_seconds`."""
    for each in list(connections):
        if isinstance(each, Connection):
            each.enforce_deadlines(now)


class Connection(HttpToolsProtocol):
    """uvicorn's connection, but its parser receives one request at a time.

    A pipelined request is parsed after the response before it was sent. TCP so stops a client that sends without
    reading, and it holds neither memory nor a request in flight.
    """

    bounds: Bounds
    draining = False  # each response closes its connection, and the client reconnects elsewhere
    flow: Flow

    _stage = Stage.IDLE
    _deadline = math.inf  # of the stage, on the loop's clock
    _unsent_since: float | None = None
    _unparsed = b""
    _parsed_to = 0  # of `_unparsed`
    _framing_bytes = 0  # of the head, or since the last piece of a body
    _body_left: int | None = None  # bytes of the body still to be received; None: chunked or not known yet
    _chunks = 0  # of this body
    _dropped_bytes = 0  # of a body that continues after the response
    _dropped_chunks = 0
    _refused_for: WarmcastError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's signature
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self.flow = Flow(transport, self._resume_soon)
        transport.set_write_buffer_limits(high=0)  # `pause_writing` then marks the first unsent byte
        self._enter(Stage.HEAD, self.bounds.head_seconds)
        if len(self.connections) > self.bounds.connections and not self._close_idle_connection():
            self._refuse(WarmcastError(errors.BUSY, "too many connections are open; retry later", retry_after=1))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self.transport.is_closing():
            return  # a refused client may keep sending
        if self._unparsed or self._stage is Stage.ANSWER or self.flow.write_paused:
            self._hold(self._unparsed[self._parsed_to :] + data, 0)
        else:
            self._parse(data, 0)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        super().pause_writing()
        self._unsent_since = self.loop.time()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        super().resume_writing()
        self._unsent_since = None
        self._resume()

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools. Trailers are dropped, because the application may have acted on the headers already."""
        if self._stage is Stage.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """See httptools. An exception here leads to `send_400_response`."""
        self._refused_for = self._too_large() or self._unsupported()
        if self._refused_for is not None:
            raise self._refused_for
        super().on_headers_complete()
        self._framing_bytes, self._chunks, self._body_left = 0, 0, None
        self._dropped_bytes, self._dropped_chunks = 0, 0
        # The application has the earlier deadline: it knows how many bytes of the body arrived.
        self._enter(Stage.BODY, self.bounds.body_seconds + self.bounds.sweep_seconds)
        if self.draining:
            self.close_after_response()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._framing_bytes = 0
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            self._refused_for = _TOO_MANY_CHUNKS
            raise self._refused_for
        if self.cycle.response_complete:
            self._dropped_bytes += len(body)
            self._dropped_chunks += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        self._framing_bytes = 0
        if self.cycle.response_complete:
            self._enter(Stage.IDLE, self.timeout_keep_alive)
        else:
            self._enter(Stage.ANSWER, math.inf)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called by uvicorn when the whole response is written, though perhaps not sent."""
        if self._stage is Stage.ANSWER:
            self._enter(Stage.IDLE, self.timeout_keep_alive)
        super().on_response_complete()

    def close_after_response(self) -> None:
        """Makes the current response the last one of this connection."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuses an unparsable request. If a response is in progress, that one becomes the last."""
        if self._response_in_progress():
            self.close_after_response()
            self.flow.pause_reading()
        elif self._stage is Stage.HEAD or not self.cycle.response_complete:
            self._refuse(self._refused_for or refusal.MALFORMED)
        else:
            self.transport.close()

    def enforce_deadlines(self, now: float) -> None:
        """Closes the connection if it is past a deadline."""
        if self._unsent_since is not None and now >= self._unsent_since + self.bounds.write_seconds:
            self.transport.abort()
        elif now >= self._deadline and not self.transport.is_closing():
            self._end_overdue()

    def _end_overdue(self) -> None:
        if self._stage is Stage.HEAD:
            detail = f"the request's headers did not arrive within {self.bounds.head_seconds:g} s"
            self._refuse(WarmcastError(errors.REQUEST_TIMEOUT, detail))
        elif self._stage is Stage.BODY and not self.cycle.response_started:
            detail = f"the request's body did not arrive within {self.bounds.body_seconds:g} s"
            self._refuse(WarmcastError(errors.REQUEST_TIMEOUT, detail))
        elif self._response_in_progress():
            self.transport.abort()  # a truncated response must not seem complete
        else:
            self.transport.close()

    def _response_in_progress(self) -> bool:
        return self._stage is not Stage.HEAD and self.cycle.response_started and not self.cycle.response_complete

    def _enter(self, stage: Stage, seconds: float) -> None:
        self._stage, self._deadline = stage, self.loop.time() + seconds

    def _hold(self, data: bytes, parsed_to: int) -> None:
        self._unparsed, self._parsed_to = data, parsed_to
        self.flow.holding = True
        self.flow.pause_reading()

    def _resume_soon(self) -> None:
        self.loop.call_soon(self._resume)  # after other connections

    def _resume(self) -> None:
        """Parses held bytes, unless a response is pending or unsent, or a body is unread."""
        if not self._unparsed or self._must_wait() or self.flow.write_paused or self.transport.is_closing():
            return
        data, at = self._unparsed, self._parsed_to
        self._unparsed, self.flow.holding = b"", False
        self._parse(data, at)
        if not self._unparsed and not self._must_wait():
            self.flow.resume_reading()

    def _must_wait(self) -> bool:
        if self._stage is Stage.BODY:
            return not self.cycle.response_complete and len(self.cycle.body) > HIGH_WATER_LIMIT
        return self._stage is Stage.ANSWER

    def _parse(self, data: bytes, at: int) -> None:
        parsed = 0
        while at < len(data) and not self.transport.is_closing():
            if self._must_wait():
                self._hold(data, at)
                return
            if parsed >= MAX_PARSED_BYTES:
                self._hold(data, at)
                self._resume_soon()
                return
            if self._stage is Stage.IDLE:
                self._enter(Stage.HEAD, self.bounds.head_seconds)
            end = self._end_of_piece(data, at)
            piece = data if end - at == len(data) else data[at:end]
            self._framing_bytes += len(piece)
            super().data_received(piece)
            if self._stage is Stage.HEAD or self._stage is Stage.BODY:
                self._check_bounds()
            at = end
            parsed += max(len(piece), MIN_PARSED_BYTES)

    def _end_of_piece(self, data: bytes, at: int) -> int:
        """The end of the next piece: a piece never holds the end of one message and the start of another."""
        end = min(len(data), at + MAX_PARSED_BYTES)
        if self._stage is Stage.BODY:
            if self._body_left is None:
                self._body_left = _declared_length(self.headers)
            if self._body_left is not None:
                end = min(end, at + self._body_left)
                self._body_left -= end - at
                return end
        if at == 0 and data[0] in _LINE_BREAKS:
            return 1  # perhaps the end of a terminator that the read before split
        # The piece before may hold the start of a terminator.
        found = data.find(_END_OF_HEAD, max(0, at - len(_END_OF_HEAD) + 1), end)
        return end if found < 0 else found + len(_END_OF_HEAD)

    def _check_bounds(self) -> None:
        error = self._too_large()
        if self.transport.is_closing():
            return
        if error is not None:
            if self._stage is Stage.HEAD or not self.cycle.response_started:
                self._refuse(error)
            else:
                self.transport.abort()
        elif self._dropped_bytes > self.bounds.body_bytes or self._dropped_chunks > MAX_DROPPED_CHUNKS:
            self.transport.close()

    def _too_large(self) -> WarmcastError | None:
        if self._framing_bytes > self.bounds.head_bytes:
            part = "request line and headers" if self._stage is Stage.HEAD else "trailers or chunk extensions"
            detail = f"the {part} are larger than {self.bounds.head_bytes} bytes"
            return WarmcastError(errors.HEADERS_TOO_LARGE, detail)
        if self._stage is Stage.HEAD and self.headers is not None and len(self.headers) > MAX_HEADERS:
            return WarmcastError(errors.HEADERS_TOO_LARGE, f"the request has more than {MAX_HEADERS} headers")
        return None

    def _unsupported(self) -> WarmcastError | None:
        if self.parser.get_http_version() not in _VERSIONS:
            return refusal.MALFORMED
        # httptools treats what follows an Upgrade as another protocol, and so would read the body as a request.
        if self.parser.should_upgrade() and _has_body(self.headers):
            detail = "a request with a body must not have an Upgrade header; remove it"
            return WarmcastError(errors.MALFORMED_REQUEST, detail)
        return None

    def _refuse(self, error: WarmcastError) -> None:
        """Answers without the application, and closes the connection."""
        self.transport.write(refusal.refusal(error, self.server_state.default_headers, self.client))
        self.transport.close()

    def _close_idle_connection(self) -> bool:
        """Closes one idle connection to make room for a new one; clients expect that idle connections are closed."""
        for each in self.connections:
            if isinstance(each, Connection) and each._stage is Stage.IDLE and not each.transport.is_closing():
                each.transport.close()
                return True
        return False


def _declared_length(headers: list[tuple[bytes, bytes]]) -> int | None:
    return next((int(value) for name, value in headers if name == b"content-length"), None)


def _has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    chunked = any(name == b"transfer-encoding" for name, _ in headers)
    return chunked or bool(_declared_length(headers))
