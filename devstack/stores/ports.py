"""Ports on the loopback interface."""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# (index, count): processes that run tests at the same time divide the ports, so that none takes another's.
share = (0, 1)
_LOWEST = 10_000
_TRIES = 100
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now; it may be taken before it is used, so expect that.

    Not one of those that the kernel gives to outgoing connections: a client that tries again and again until its server
    is there would be given that very port some time, and keep the server from it.
    """
    index, count = share
    ports = range(_LOWEST + index, max(_first_outgoing_port(), _LOWEST + count * _TRIES), count)
    for _ in range(_TRIES):
        port = random.choice(ports)  # noqa: S311 - no secret
        if is_free(LOOPBACK, port):
            return port
    raise OSError(f"no free port from {_LOWEST} upwards after {_TRIES} tries")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do, so that connections that have ended but linger do not count.
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
        return 32_768  # Linux's default; where others begin is above it
