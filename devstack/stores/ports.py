"""Ports on the loopback interface."""

from __future__ import annotations

import random
import socket
from collections import deque
from pathlib import Path

LOOPBACK = "127.0.0.1"
# (index, count): parallel test processes each use their own share of the ports, so that none takes another's.
share = (0, 1)
_LOWEST = 10_000
_TRIES = 100
_REMEMBERED = 200
# Ports that this process got last. Their servers may not listen yet, or restart, so they look free.
_reserved: deque[int] = deque(maxlen=_REMEMBERED)
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Returns a TCP port of 127.0.0.1 that is free now and that this process did not get lately.

    Another process may take it before it is used. Never a port for outgoing connections: a client that retries until
    its server is up could be assigned that port as its own and block the server.
    """
    index, count = share
    ports = range(_LOWEST + index, max(_first_outgoing_port(), _LOWEST + count * 2 * _REMEMBERED), count)
    for _ in range(_TRIES):
        port = random.choice(ports)  # noqa: S311 - no secret
        if port not in _reserved and is_free(LOOPBACK, port):
            _reserved.append(port)
            return port
    raise OSError(f"no free port from {_LOWEST} upwards after {_TRIES} tries")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do, so that connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _first_outgoing_port() -> int:
    try:
        return int(_OUTGOING.read_text(encoding="ascii").split()[0])
    except OSError:
        return 32_768  # Linux's default; other systems start higher
