"""What PostgreSQL and Valkey have in common: one server over one folder, as a direct child on 127.0.0.1."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from devstack.private_files import kept_secret
from devstack.processes.child import Child, DevstackError
from devstack.stores.ports import free_port

_ATTEMPTS = 3  # a free port may be taken by somebody else before the server has it


class Store(ABC):
    """A server behind a random password that is kept in its folder (0600). Start and stop it from any thread."""

    name: ClassVar[str]
    port_taken: ClassVar[str]  # what the server says when its port is taken
    small_talk: ClassVar[tuple[str, ...]]  # what marks a line that is kept for a failure, and shown to nobody before

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        settings: Mapping[str, str] | None = None,
        say: Callable[[str, str], None] | None = None,
    ) -> None:
        """Port 0 picks a free one, which then stays the same over restarts of this object.

        `settings` are server settings for tests; without them what was acknowledged is durable. `say` gets each line
        of weight that the server writes, after the server's name.
        """
        self.data_dir = data_dir.absolute()
        self.settings = dict(settings or {})
        self.port = port
        self._any_port = port == 0
        self._say = say
        self._child = Child(self.name, say=self._pass_on if say else None)

    def _pass_on(self, line: str) -> None:
        if self._say and not any(mark in line for mark in self.small_talk):
            self._say(self.name, line)

    @property
    @abstractmethod
    def url(self) -> str:
        """What clients connect to; there once it was started."""

    @property
    def pid(self) -> int:
        """The server's process id; 0 when it was never started."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child.running

    @property
    def ended(self) -> str:
        """How it ended, for a message."""
        return self._child.ended

    def start(self) -> None:
        """Returns once it answers. Raises DevstackError with the end of its log when it does not in bounded time."""
        if self.running:
            return
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._prepare()
        except OSError as error:
            raise DevstackError(
                f"{self.name}: its folder cannot be used; was it made by another user? {error}"
            ) from None
        for left in range(_ATTEMPTS - 1, -1, -1):
            self.port = self.port or free_port()
            try:
                self._launch()
                return
            except DevstackError:
                self._child.kill_group()
                if not (left and self._any_port and self.port_taken in self._child.tail()):
                    raise
                self.port = 0

    def launch(self) -> None:
        """The same as start, under the name that a supervisor calls."""
        self.start()

    def ready(self) -> bool:
        """It was when it started."""
        return self.running

    def alive(self) -> bool:
        """As far as its supervisor knows: a store restarts for nothing but its own end."""
        return self.running

    @abstractmethod
    def stop(self) -> None:
        """An orderly end, then by force, in bounded time."""

    def restart(self) -> None:
        """Stops and starts it on the same port."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL to the server's first process, as a crash would be; the next start recovers."""
        self._child.kill()

    def kill_group(self) -> None:
        """SIGKILL to it and all that is in its group."""
        self._child.kill_group()

    @property
    def _password(self) -> str:
        return kept_secret(self.data_dir / "password")

    @abstractmethod
    def _prepare(self) -> None:
        """Makes what the folder must hold before the first start."""

    @abstractmethod
    def _launch(self) -> None:
        """Starts the process and waits until it answers; raises DevstackError."""
