"""Writes log lines to a stream, batched by turn of the event loop."""

from __future__ import annotations

import asyncio
import atexit
import threading
from typing import BinaryIO


class LogWriter:
    """A structlog logger of rendered lines; its methods are named after the levels.

    Lines of one turn of a running event loop are written together at the end of the turn: a killed process may lose
    those. Warnings and errors, and lines outside of a loop, are written at once. The order is kept.
    See docs/decisions/log-writer.md.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._pending: list[bytes] = []
        self._scheduled: asyncio.AbstractEventLoop | None = None  # the loop that will flush
        atexit.register(self.flush)

    def info(self, line: bytes) -> None:
        """Writes `line` at the end of this turn of the event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.error(line)
            return
        with self._lock:
            self._pending.append(line)
            if self._scheduled is not loop:
                self._scheduled = loop
                loop.call_soon(self.flush)

    def error(self, line: bytes) -> None:
        """Writes the pending lines and `line` now."""
        with self._lock:
            self._pending.append(line)
            self._write()

    def flush(self) -> None:
        """Writes the pending lines."""
        with self._lock:
            if self._pending:
                self._write()

    debug = msg = info
    warning = warn = critical = fatal = exception = failure = error

    def _write(self) -> None:
        self._pending.append(b"")
        lines = b"\n".join(self._pending)
        self._pending.clear()
        self._scheduled = None
        self._out.write(lines)
        self._out.flush()
