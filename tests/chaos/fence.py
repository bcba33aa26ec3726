"""Counts writes to Redis below a raised fence. Valkey's MONITOR lists commands in order of execution."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from urllib.parse import urlsplit

from devstack.stores.ports import LOOPBACK
from devstack.stores.valkey import Valkey

_LOCK_WRITE = re.compile(rb'lua\] "SET" "(warmup-lock:[^"]*)" "(\d+)"', re.IGNORECASE)
_FLUSH = re.compile(rb'\] "flushall"', re.IGNORECASE)


class FenceWatch:
    """Follows every lock key. Each guarded write first sets it to its own lease id."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._ended = threading.Event()
        self._fences: dict[bytes, int] = {}  # since the last loss of data
        self._highest: dict[bytes, int] = {}  # of the whole run
        self.writes = 0
        self.below = 0  # below an existing fence
        self.after_loss = 0  # below a fence that a FLUSHALL or a restart had removed
        self._socket: socket.socket | None = None
        self._watching = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fence watch", daemon=True)
        self._thread.start()
        if not self._watching.wait(30):
            raise AssertionError("Valkey's MONITOR did not start")

    def close(self) -> None:
        """Stops watching."""
        self._ended.set()
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ended.wait(0.02):
            with contextlib.suppress(OSError):
                self._watch()

    def _watch(self) -> None:
        with socket.create_connection((LOOPBACK, self._valkey.port), timeout=5) as connection:
            connection.settimeout(None)
            self._socket = connection
            password = urlsplit(self._valkey.url).password
            connection.sendall(f"AUTH {password}\r\nMONITOR\r\n".encode())
            # A restarted server may have lost its last second of writes, including fences.
            self._fences.clear()
            self._watching.set()
            with connection.makefile("rb") as lines:
                while line := lines.readline():
                    self._read(line)

    def _read(self, line: bytes) -> None:
        if found := _LOCK_WRITE.search(line[:400]):
            key, lease = found[1], int(found[2])
            self.writes += 1
            if lease < self._fences.get(key, 0):
                self.below += 1
            elif lease < self._highest.get(key, 0):
                self.after_loss += 1
            self._fences[key] = max(lease, self._fences.get(key, 0))
            self._highest[key] = max(lease, self._highest.get(key, 0))
        elif _FLUSH.search(line[:200]):
            self._fences.clear()
