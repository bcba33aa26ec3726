"""`warmcast migrate` waits for an unavailable database, and fails at once on permanent errors."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from devstack.stores.ports import LOOPBACK, free_port
from devstack.stores.postgres import Postgres
from services.cli.__main__ import app
from services.jobs.migrator import commands, reach
from services.jobs.migrator.errors import DatabaseUnreachableError, MigrationError
from tests.waiting import wait_until

_QUICKLY = 20.0  # seconds, on a busy machine; the limit is 120
_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104


@contextmanager
def server_that_answers(answer: bytes) -> Iterator[tuple[str, Callable[[], int]]]:
    """The URL of a server that refuses each client with `answer`, and the number of refusals."""
    refused = 0

    def serve(listening: socket.socket) -> None:
        nonlocal refused
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                while (head := client.recv(8)) and struct.unpack("!ii", head)[1] in {_SSL_REQUEST, _GSS_REQUEST}:
                    client.sendall(b"N")
                client.recv(4096)
                refused += 1
                client.sendall(answer)

    with socket.create_server((LOOPBACK, 0)) as listening:
        server = threading.Thread(target=serve, args=(listening,))
        server.start()
        try:
            yield f"postgresql://user:secret-word@{LOOPBACK}:{listening.getsockname()[1]}/name", lambda: refused
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            server.join()


def fatal(code: str, message: str) -> bytes:
    fields = b"".join(name + text.encode() + b"\0" for name, text in ((b"S", "FATAL"), (b"C", code), (b"M", message)))
    return b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0"


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_RETRY_AFTER", 0.05)
    monkeypatch.setattr(reach, "_REPORT_EVERY", 0.3)


def test_a_database_that_starts_late_is_migrated(postgres: Postgres, empty_database_url: str) -> None:
    postgres.stop()
    lines: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        try:
            migrating = pool.submit(commands.upgrade, empty_database_url, wait=60, report=lines.append)
            wait_until(lambda: len(lines) > 1, 20, "it reports repeatedly that it waits")
        finally:
            postgres.start()
        assert migrating.result(timeout=60) == commands.head()
    assert re.fullmatch(r"waiting for the database, \d+ of 60 s: connection .*: Connection refused", lines[0])


def test_a_migration_fails_when_the_database_stays_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("DATABASE_URL", f"postgresql://user:secret-word@{LOOPBACK}:{port}/name")
    began = time.monotonic()
    ran = CliRunner().invoke(app, ["migrate", "--wait", "1"])
    assert time.monotonic() - began >= 1
    assert ran.exit_code == 4
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("warmcast: the database at DATABASE_URL cannot be reached within 1 s: ")
    assert str(port) in last
    assert "secret-word" not in ran.stderr


def test_a_migration_waits_two_minutes_by_default_and_reports_every_ten_seconds() -> None:
    shown = CliRunner().invoke(app, ["migrate", "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"}).stdout
    assert re.search(r"--wait .*default: 120", shown)


@pytest.mark.parametrize(
    "answer",
    [
        fatal("57P03", "the database system is starting up"),
        fatal("57P03", "the database system is shutting down"),
        fatal("57P03", "das Datenbanksystem startet"),
        fatal("53300", "sorry, too many clients already"),
        fatal("08P01", "pgbouncer cannot connect to server"),
        b"",
    ],
)
def test_a_migration_waits_for_a_server_that_is_starting(answer: bytes) -> None:
    with server_that_answers(answer) as (url, refused):
        with pytest.raises(DatabaseUnreachableError, match="cannot be reached within 1 s: connection to server at"):
            commands.upgrade(url, wait=1)
        assert refused() > 2


@pytest.mark.parametrize(
    "answer",
    [
        fatal("28P01", 'password authentication failed for user "user"'),
        fatal("28000", 'no pg_hba.conf entry for host "127.0.0.1", user "user", database "name", no encryption'),
        fatal("28000", 'role "user" is not permitted to log in'),
        fatal("28000", 'role "user" does not exist'),
        fatal("3D000", 'database "name" does not exist'),
        fatal("42501", 'permission denied for database "name"'),
        fatal("08P01", "no such database: name"),
    ],
)
def test_a_migration_does_not_wait_for_a_server_that_refuses_permanently(answer: bytes) -> None:
    with server_that_answers(answer) as (url, refused):
        with pytest.raises(MigrationError, match="the database refuses the connection: ") as caught:
            commands.upgrade(url, wait=120)
        assert not isinstance(caught.value, DatabaseUnreachableError)
        assert "secret-word" not in str(caught.value)
        assert refused() == 1


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"database": "nothere"}, {"username": "nobody"}])
def test_a_migration_fails_at_once_with_a_wrong_password_user_or_database(
    empty_database_url: str, wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(empty_database_url).set(**wrong)  # type: ignore[arg-type]  # all strings
    monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    began = time.monotonic()
    ran = CliRunner().invoke(app, ["migrate"])
    assert time.monotonic() - began < _QUICKLY
    assert ran.exit_code == 1
    assert re.match(
        r"warmcast: the database refuses the connection: connection to server at .* failed: FATAL: ", ran.stderr
    )


def test_a_migration_retries_a_name_that_does_not_resolve() -> None:
    with pytest.raises(DatabaseUnreachableError, match=r"not-there\.invalid"):
        commands.upgrade("postgresql://user:secret-word@not-there.invalid/name", wait=0.2)
