"""PostgreSQL from a wheel: it starts, keeps what it was given, and comes back from every end."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from devstack.processes.child import DevstackError
from devstack.processes.child_process import Identity
from devstack.stores import postgres
from devstack.stores.postgres import Postgres
from tests.waiting import wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "store")
    server.start()
    yield server
    server.stop()


def test_it_accepts_connections_on_loopback_only_and_with_the_password(server: Postgres) -> None:
    with psycopg.connect(server.url) as connection:
        shown = connection.execute("SELECT current_database(), current_user, current_setting('fsync')").fetchone()
    assert shown == ("warmcast", "warmcast", "on")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url.replace(server.url.split(":")[2].split("@")[0], "wrong"))


def test_only_the_owner_can_read_the_password(server: Postgres) -> None:
    assert stat.S_IMODE((server.data_dir / "password").stat().st_mode) == 0o600


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_data_survive_a_restart(server: Postgres, end: str) -> None:
    url = server.url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        getattr(server, end)()  # with a client still connected
        assert not server.running
        server.start()
    assert server.url == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_another_object_over_the_same_folder_takes_over_after_a_kill(server: Postgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.kill()
    successor = Postgres(server.data_dir)
    successor.start()
    try:
        with psycopg.connect(successor.url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    finally:
        successor.stop()


def test_a_stale_pid_file_that_names_a_living_process_does_not_block_the_start(
    server: Postgres, tmp_path: Path
) -> None:
    server.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (server.data_dir / "data" / "postmaster.pid").write_text(
            f"{other.pid}\n{server.data_dir / 'data'}\n0\n5432\n\n"
        )
        server.start()
        assert server.running
        other.kill()


def test_a_server_does_not_outlive_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from devstack.stores.postgres import Postgres\n"
        "server = Postgres(Path(sys.argv[1])); server.start(); print(server.pid, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "store")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        supervisor.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 10, "the server ended")


def test_the_error_contains_the_servers_log(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "store", settings={"no_such_setting": "1"})
    with pytest.raises(DevstackError, match="no_such_setting"):
        server.start()
    assert not server.running


def test_an_interrupted_initdb_is_repeated(tmp_path: Path) -> None:
    unfinished = tmp_path / "store" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    server = Postgres(tmp_path / "store")
    server.start()
    server.stop()
    assert not unfinished.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_can_choose_the_unix_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A container that forbids user namespaces gets the second; the same data may be opened in both.
    for expected, identity in enumerate((Identity.NOBODY_ANYWHERE, postgres.usable_identity()), start=1):
        monkeypatch.setattr(postgres, "usable_identity", lambda who=identity: who)
        server = Postgres(tmp_path / "store")
        server.start()
        try:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept (a int)")
                connection.execute("INSERT INTO kept VALUES (1)")
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (expected,)
        finally:
            server.stop()
