"""Common base of PostgreSQL and Valkey: one server on 127.0.0.1 with one data folder, as a direct child process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from devstack.private_files import load_or_create_secret
from devstack.processes.child import Child, DevstackError
from devstack.stores.ports import free_port

_ATTEMPTS = 3  # another process may take the free port before the server binds it


class Store(ABC):
    """A server with a random password, stored in its folder with mode 0600. Any thread may start and stop it."""

    name: ClassVar[str]
    port_taken: ClassVar[str]  # part of the server's message when its port is in use
    routine_lines: ClassVar[tuple[str, ...]]  # parts of lines that appear only in error messages

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        settings: Mapping[str, str] | None = None,
        on_line: Callable[[str, str], None] | None = None,
    ) -> None:
        """Port 0 picks a free port, which later restarts of this object keep.

        `settings` override the server's settings, for tests; the defaults are durable. `on_line` receives the server's
        name and each line of its output but routine lines.
        """
        self.data_dir = data_dir.absolute()
        self.settings = dict(settings or {})
        self.port = port
        self._any_port = port == 0
        self._on_line = on_line
        self._child = Child(self.name, on_line=self._forward if on_line else None)

    def _forward(self, line: str) -> None:
        if self._on_line and not any(mark in line for mark in self.routine_lines):
            self._on_line(self.name, line)

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL for clients; valid after the first start."""

    @property
    def pid(self) -> int:
        """The server's process id; 0 before the first start."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the server is running."""
        return self._child.running

    @property
    def exit_summary(self) -> str:
        """How the server ended and its last lines, for an error message."""
        return self._child.exit_summary

    def start(self) -> None:
        """Starts the server and returns once it answers. Raises DevstackError with the end of its log on a timeout."""
        if self.running:
            return
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._prepare()
        except OSError as error:
            raise DevstackError(
                f"cannot use the data folder of {self.name}; check that this user owns it: {error}"
            ) from None
        for attempts_left in range(_ATTEMPTS - 1, -1, -1):
            self.port = self.port or free_port()
            try:
                self._launch()
                return
            except DevstackError:
                self._child.kill_group()
                if not (attempts_left and self._any_port and self.port_taken in self._child.tail()):
                    raise
                self.port = 0

    def launch(self) -> None:
        """Same as start, for the supervisor."""
        self.start()

    def ready(self) -> bool:
        """Always true while it runs: `start` waits until it answers."""
        return self.running

    def alive(self) -> bool:
        """True while it runs: the supervisor restarts a store only after it has ended."""
        return self.running

    @abstractmethod
    def stop(self) -> None:
        """Shuts the server down, and kills it after a timeout."""

    def restart(self) -> None:
        """Stops the server and starts it on the same port."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Simulates a crash: SIGKILL to the server's main process. The next start recovers."""
        self._child.kill()

    def kill_group(self) -> None:
        """Sends SIGKILL to the whole process group."""
        self._child.kill_group()

    @property
    def _password(self) -> str:
        return load_or_create_secret(self.data_dir / "password")

    @abstractmethod
    def _prepare(self) -> None:
        """Creates the files that the first start needs."""

    @abstractmethod
    def _launch(self) -> None:
        """Starts the process and waits until it answers. Raises DevstackError."""
