"""The proxy applies each fault to its connections, and forwards data when there is no fault."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from devstack.stores.ports import LOOPBACK
from tests.chaos.proxy import LinkFault, Proxy
from tests.waiting import wait_until

_SILENCE = 0.5  # seconds without an answer


@pytest.fixture
def link() -> Iterator[Proxy]:
    """A link to an echo server."""
    with socket.create_server((LOOPBACK, 0)) as echo:
        thread = threading.Thread(target=_serve, args=(echo,))
        thread.start()
        proxy = Proxy("test", echo.getsockname()[1])
        try:
            yield proxy
        finally:
            proxy.close()
            echo.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def test_a_link_without_a_fault_forwards_data(link: Proxy) -> None:
    with _connected(link) as connection:
        assert _echo(connection) < 5


def test_a_delay_applies_in_both_directions(link: Proxy) -> None:
    with _connected(link) as connection:
        with link.with_fault(LinkFault.DELAY):
            assert _echo(connection) > 0.25
        assert _echo(connection) < 5


def test_a_stall_delivers_data_when_it_ends(link: Proxy) -> None:
    with _connected(link) as connection:
        with link.with_fault(LinkFault.STALL):
            connection.sendall(b"late")
            assert _is_silent(connection)
        assert connection.recv(10) == b"late"


@pytest.mark.parametrize("fault", [LinkFault.CUT, LinkFault.RESET])
def test_a_cut_or_reset_closes_open_connections(link: Proxy, fault: LinkFault) -> None:
    with _connected(link) as connection, link.with_fault(fault):
        assert _ends(connection)
    with _connected(link) as another:
        assert _echo(another) < 5


@pytest.mark.parametrize(("fault", "passes"), [(LinkFault.CUT, False), (LinkFault.RESET, True)])
def test_new_connections_work_except_during_a_cut(link: Proxy, fault: LinkFault, passes: bool) -> None:
    with link.with_fault(fault):
        # The proxy's thread applies the fault a moment later.
        wait_until(lambda: link.fault is fault, 5, "the fault is applied")
        with socket.create_connection((LOOPBACK, link.port), timeout=10) as connection:
            if passes:
                assert _echo(connection) < 5
            else:
                assert _ends(connection)


def test_a_half_open_connection_stays_silent_for_ever(link: Proxy) -> None:
    with _connected(link) as connection:
        with link.with_fault(LinkFault.HALF_OPEN):
            wait_until(lambda: link.fault is LinkFault.HALF_OPEN, 5, "the fault is applied")
        connection.sendall(b"lost")
        assert _is_silent(connection)
        with _connected(link) as another:
            assert _echo(another) < 5


@contextlib.contextmanager
def _connected(link: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, link.port), timeout=10) as connection:
        _echo(connection)  # the proxy is connected to the server
        yield connection


def _echo(connection: socket.socket) -> float:
    begun = time.monotonic()
    connection.settimeout(10)
    connection.sendall(b"ping")
    assert connection.recv(4, socket.MSG_WAITALL) == b"ping"
    return time.monotonic() - begun


def _is_silent(connection: socket.socket) -> bool:
    connection.settimeout(_SILENCE)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)
    return False


def _ends(connection: socket.socket) -> bool:
    with contextlib.suppress(ConnectionError):
        connection.sendall(b"?")
        return connection.recv(1) == b""
    return True


def _serve(listening: socket.socket) -> None:
    connections: list[socket.socket] = []
    with contextlib.suppress(OSError):  # the listener was shut down
        while True:
            connection = listening.accept()[0]
            connections.append(connection)
            threading.Thread(target=_send_back, args=(connection,), daemon=True).start()
    for connection in connections:
        connection.close()


def _send_back(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := connection.recv(1024):
            connection.sendall(data)
