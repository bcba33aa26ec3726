"""One HTTP connection: bounds on what it may hold and on how long its parts may take; the parser is httptools."""

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
    LEAST_PARSED_BYTES,
    MOST_CHUNKS,
    MOST_DROPPED_CHUNKS,
    MOST_FIELDS,
    MOST_PARSED_BYTES,
    Bounds,
)
from services.gateway.http.connection.flow import Flow

_END_OF_HEAD = b"\r\n\r\n"
_LINE_BREAKS = b"\r\n"
_TOO_MANY_CHUNKS = WarmcastError(errors.MALFORMED_REQUEST, f"the body comes in more than {MOST_CHUNKS} chunks")
_VERSIONS = ("1.1", "1.0")


class Stage(Enum):
    """What a connection waits for."""

    IDLE = auto()  # a request
    HEAD = auto()  # the rest of a head
    BODY = auto()  # the rest of a body, whether it is answered already or not
    ANSWER = auto()  # the application; what is received meanwhile is not parsed


def connection(bounds: Bounds) -> type[Connection]:
    """The protocol of one gateway."""
    return type("BoundedConnection", (Connection,), {"bounds": bounds})


def enforce_deadlines(connections: Iterable[object], now: float) -> None:
    """Ends each connection that is late; to be called every `Bounds.sweep_seconds`."""
    for each in list(connections):
        if isinstance(each, Connection):
            each.enforce_deadlines(now)


class Connection(HttpToolsProtocol):
    """uvicorn's connection, which hands its parser one message at a time.

    A pipelined request is parsed once the answer before it has been sent: a client that sends without reading is
    stopped by TCP, and holds neither memory nor one of the requests in flight.
    """

    bounds: Bounds
    leaving = False  # each answer is the last of its connection, and its client opens the next elsewhere
    flow: Flow

    _stage = Stage.IDLE
    _deadline = math.inf  # of the stage, on the loop's clock
    _unsent_since: float | None = None
    _unparsed = b""
    _parsed_to = 0  # of `_unparsed`
    _framing_bytes = 0  # of the head, or of what came since the last piece of a body
    _body_left: int | None = None  # bytes that are still to come of a body; None: chunked, or not known yet
    _chunks = 0  # of this body
    _dropped_bytes = 0  # of a body whose request is answered
    _dropped_chunks = 0
    _refused_for: WarmcastError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self.flow = Flow(transport, self._resume_soon)
        transport.set_write_buffer_limits(high=0)  # `pause_writing` and `resume_writing` tell when bytes are unsent
        self._enter(Stage.HEAD, self.bounds.head_seconds)
        if len(self.connections) > self.bounds.connections and not self._close_an_idle_one():
            self._refuse(WarmcastError(errors.BUSY, "too many connections are open here", retry_after=1))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self.transport.is_closing():
            return  # what a refused client goes on to send
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
        """See httptools. Trailers are dropped: by now the application may have decided by the headers."""
        if self._stage is Stage.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """See httptools. What is raised here ends in `send_400_response`."""
        self._refused_for = self._too_large() or self._unsupported()
        if self._refused_for is not None:
            raise self._refused_for
        super().on_headers_complete()
        self._framing_bytes, self._chunks, self._body_left = 0, 0, None
        self._dropped_bytes, self._dropped_chunks = 0, 0
        # The application, which knows how much of a body is there, is the first to refuse one that is late.
        self._enter(Stage.BODY, self.bounds.body_seconds + self.bounds.sweep_seconds)
        if self.leaving:
            self.leave()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._framing_bytes = 0
        self._chunks += 1
        if self._chunks > MOST_CHUNKS:
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
        """Called by uvicorn once the whole answer is written, though perhaps not sent."""
        if self._stage is Stage.ANSWER:
            self._enter(Stage.IDLE, self.timeout_keep_alive)
        super().on_response_complete()

    def leave(self) -> None:
        """Makes the answer that is under way the last of this connection."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser could not read, unless an answer is under way: then that one is the last."""
        if self._answering():
            self.leave()
            self.flow.pause_reading()
        elif self._stage is Stage.HEAD or not self.cycle.response_complete:
            self._refuse(self._refused_for or refusal.MALFORMED)
        else:
            self.transport.close()

    def enforce_deadlines(self, now: float) -> None:
        """Ends the connection if it is late."""
        if self._unsent_since is not None and now >= self._unsent_since + self.bounds.write_seconds:
            self.transport.abort()
        elif now >= self._deadline and not self.transport.is_closing():
            self._end_late()

    def _end_late(self) -> None:
        if self._stage is Stage.HEAD:
            detail = f"the request's head did not arrive within {self.bounds.head_seconds:g} s"
            self._refuse(WarmcastError(errors.REQUEST_TIMEOUT, detail))
        elif self._stage is Stage.BODY and not self.cycle.response_started:
            detail = f"the request's body did not arrive within {self.bounds.body_seconds:g} s"
            self._refuse(WarmcastError(errors.REQUEST_TIMEOUT, detail))
        elif self._answering():
            self.transport.abort()  # half an answer must not look like a whole one
        else:
            self.transport.close()

    def _answering(self) -> bool:
        return self._stage is not Stage.HEAD and self.cycle.response_started and not self.cycle.response_complete

    def _enter(self, stage: Stage, seconds: float) -> None:
        self._stage, self._deadline = stage, self.loop.time() + seconds

    def _hold(self, data: bytes, parsed_to: int) -> None:
        self._unparsed, self._parsed_to = data, parsed_to
        self.flow.holding = True
        self.flow.pause_reading()

    def _resume_soon(self) -> None:
        self.loop.call_soon(self._resume)  # other connections have their turn first

    def _resume(self) -> None:
        """Parses what was held, unless an answer is still to be made or sent, or a body to be read."""
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
            if parsed >= MOST_PARSED_BYTES:
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
            parsed += max(len(piece), LEAST_PARSED_BYTES)

    def _end_of_piece(self, data: bytes, at: int) -> int:
        """Where to stop parsing, so that no message begins in the piece in which another one ends."""
        end = min(len(data), at + MOST_PARSED_BYTES)
        if self._stage is Stage.BODY:
            if self._body_left is None:
                self._body_left = _declared_length(self.headers)
            if self._body_left is not None:
                end = min(end, at + self._body_left)
                self._body_left -= end - at
                return end
        if at == 0 and data[0] in _LINE_BREAKS:
            return 1  # perhaps the end of a terminator that began in the read before
        # A terminator may begin in the piece before.
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
        elif self._dropped_bytes > self.bounds.body_bytes or self._dropped_chunks > MOST_DROPPED_CHUNKS:
            self.transport.close()

    def _too_large(self) -> WarmcastError | None:
        if self._framing_bytes > self.bounds.head_bytes:
            part = "request line and headers" if self._stage is Stage.HEAD else "trailers or chunk extensions"
            detail = f"the {part} are larger than {self.bounds.head_bytes} bytes"
            return WarmcastError(errors.HEADERS_TOO_LARGE, detail)
        if self._stage is Stage.HEAD and self.headers is not None and len(self.headers) > MOST_FIELDS:
            return WarmcastError(errors.HEADERS_TOO_LARGE, f"the request has more than {MOST_FIELDS} headers")
        return None

    def _unsupported(self) -> WarmcastError | None:
        if self.parser.get_http_version() not in _VERSIONS:
            return refusal.MALFORMED
        # The parser takes what follows an Upgrade for another protocol, and so would read the body as a request.
        if self.parser.should_upgrade() and _has_body(self.headers):
            detail = "a request with a body cannot ask for an Upgrade here; send it without"
            return WarmcastError(errors.MALFORMED_REQUEST, detail)
        return None

    def _refuse(self, error: WarmcastError) -> None:
        """Answers without the application, and ends the connection."""
        self.transport.write(refusal.answer(error, self.server_state.default_headers, self.client))
        self.transport.close()

    def _close_an_idle_one(self) -> bool:
        """Makes room: a client may find a connection closed that it keeps open without a request."""
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
