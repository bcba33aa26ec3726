"""Where log lines go out: together, where many are written in one turn of the event loop."""

from __future__ import annotations

import asyncio
import atexit
import threading
from typing import BinaryIO


class Lines:
    """A structlog logger of rendered lines; its methods are named after their levels.

    Lines of one turn of a running event loop leave in one write at the turn's end: a write for each was a sixth of what
    an answer from memory took (18 of 116 µs). So a process that is killed may lose those of the turn that it dies in.
    What is wrong waits for nothing, nor does any line without a loop; the order is kept throughout.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self._told: asyncio.AbstractEventLoop | None = None  # the loop that will write what waits
        atexit.register(self.flush)

    def info(self, line: bytes) -> None:
        """Writes `line` at the end of this turn of the event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.error(line)
            return
        with self._lock:
            self._waiting.append(line)
            if self._told is not loop:
                self._told = loop
                loop.call_soon(self.flush)

    def error(self, line: bytes) -> None:
        """Writes `line` now, and before it what waits."""
        with self._lock:
            self._waiting.append(line)
            self._write()

    def flush(self) -> None:
        """Writes what waits."""
        with self._lock:
            if self._waiting:
                self._write()

    debug = msg = info
    warning = warn = critical = fatal = exception = failure = error

    def _write(self) -> None:
        self._waiting.append(b"")
        lines = b"\n".join(self._waiting)
        self._waiting.clear()
        self._told = None
        self._out.write(lines)
        self._out.flush()
