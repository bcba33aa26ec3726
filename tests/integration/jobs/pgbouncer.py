"""A real PgBouncer in front of a test's PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from devstack.processes.child import Child
from devstack.stores.ports import LOOPBACK, free_port
from devstack.stores.postgres import usable_identity
from tests.waiting import wait_until

_PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


def require_pgbouncer() -> str:
    """The path of the program. Skips the test if it is not installed; fails in CI."""
    if _PROGRAM:
        return _PROGRAM
    missing = "PgBouncer is not installed (Debian: apt-get install pgbouncer)"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def pgbouncer(database_url: str, *, pool_mode: str, **settings: str) -> Iterator[str]:
    """The URL of the database through a PgBouncer in that mode."""
    program = require_pgbouncer()
    server = conninfo_to_dict(database_url)
    user, password, name = (str(server[key]) for key in ("user", "password", "dbname"))
    port = free_port()
    url = f"postgresql://{user}:{password}@{LOOPBACK}:{port}/{name}"
    child = Child("pgbouncer")
    with tempfile.TemporaryDirectory(prefix="warmcast-pgbouncer-") as folder:
        users, config = Path(folder) / "users.txt", Path(folder) / "pgbouncer.ini"
        users.write_text(f'"{user}" "{password}"\n', encoding="utf-8")
        lines = {
            "listen_addr": LOOPBACK,
            "listen_port": str(port),
            "unix_socket_dir": "",
            "auth_type": "plain",
            "auth_file": str(users),
            "pool_mode": pool_mode,
            "max_client_conn": "200",
            **settings,
        }
        config.write_text(
            f"[databases]\n* = host={server['host']} port={server['port']}\n[pgbouncer]\n"
            + "".join(f"{key} = {value}\n" for key, value in lines.items()),
            encoding="utf-8",
        )
        Path(folder).chmod(0o755)  # as PostgreSQL does, it refuses to run as root
        try:
            child.spawn([program, str(config)], identity=usable_identity())
            wait_until(lambda: _answers(url) or not child.running, 20, "PgBouncer answers")
            assert child.running, child.exit_summary
            yield url
        finally:
            child.kill_group()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
