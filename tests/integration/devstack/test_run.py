"""`make run` as a person meets it: in a terminal, through make, ended by Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import termios
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import sample
from devstack.settings import CHECKOUT, inherited
from devstack.stores.ports import free_port
from services.cli.settings import CLIENT_FILE
from tests.waiting import wait_until

START_SECONDS = 180


class Terminal:
    """A terminal in which make runs the stack, as `make run` does."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir
        self.port = port
        self.screen = ""
        makefile = data_dir.parent / "Makefile"
        makefile.write_text(f"run:\n\t@exec {sys.executable} -m devstack\n")
        self._keyboard, slave = pty.openpty()
        self.make = subprocess.Popen(
            # The session's leader is a shell that waits, as a person's is; make is in the foreground.
            [sys.executable, "-c", _SHELL, str(slave), "make", "-f", str(makefile), "run"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=[slave],
            start_new_session=True,
            cwd=CHECKOUT,
            env={
                **{name: value for name, value in inherited().items() if name not in {"DATABASE_URL", "REDIS_URL"}},
                "WARMCAST_DATA_DIR": str(data_dir),
                "GATEWAY_PORT": str(port),
                "WARMUP_SECRET": "",
            },
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def press_ctrl_c(self) -> None:
        os.write(self._keyboard, b"\x03")

    def wait_until_up(self) -> None:
        wait_until(
            lambda: "Ctrl-C stops everything" in self.screen or self.make.poll() is not None, START_SECONDS, "up"
        )
        assert self.make.poll() is None, self.screen

    def supervisor(self) -> int:
        return int((self.data_dir / "lock").read_text())

    def close(self) -> None:
        """Kills whatever still runs in the foreground: shell, make and supervisor are one process group."""
        if self.make.poll() is None:
            os.killpg(self.make.pid, signal.SIGKILL)
        self.make.wait(10)
        self._reader.join(10)
        os.close(self._keyboard)

    def _read(self) -> None:
        try:
            while text := os.read(self._keyboard, 65536):
                self.screen += text.decode(errors="replace")
        except OSError:
            return  # EIO is how a terminal says that its last process is gone


_SHELL = f"""
import fcntl, signal, subprocess, sys
fcntl.ioctl(int(sys.argv[1]), {termios.TIOCSCTTY}, 0)
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen(sys.argv[2:], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
sys.exit(child.wait() % 256)
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "data", free_port())
    yield terminal
    terminal.close()


@pytest.mark.slow
def test_it_starts_answers_and_ends_on_ctrl_c(terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait_until_up()
    secret = _secret(terminal)
    answer = _premium(terminal.port)
    assert answer["slug"] == sample.SLUG
    wait_until(lambda: _premium(terminal.port)["warmupStatus"] == "ready", 60, "the sample's forecast is ready")
    processes = _tree(terminal.supervisor())
    assert len(processes) >= 6  # the supervisor, two stores and three services
    for arguments in (["status"], ["explain", sample.SLUG, "--tf", sample.TIMEFRAME]):
        ended = _warmcast(terminal.data_dir, *arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert "ready with the forecasts of the current snapshot" in ended.stdout
    assert stat.S_IMODE((terminal.data_dir / CLIENT_FILE).stat().st_mode) == 0o600
    assert re.search(r"gateway +\| \d\d:\d\d:\d\d info +request method=GET path=/api/comparison", terminal.screen)

    terminal.press_ctrl_c()
    assert terminal.make.wait(20) == 0, terminal.screen
    wait_until(lambda: not _alive(processes), 5, "no process is left")
    assert not (terminal.data_dir / CLIENT_FILE).exists()
    assert "Interrupt" not in terminal.screen
    assert "Error" not in terminal.screen.split("SIGINT: stopping")[1]

    again = Terminal(terminal.data_dir, terminal.port)
    try:
        again.wait_until_up()
        assert _secret(again) == secret
        answer = _premium(again.port)
        assert (answer["warmupStatus"], answer["forecastAvailable"]) == ("ready", True)

        processes = _tree(again.supervisor())
        os.kill(again.supervisor(), signal.SIGKILL)
        wait_until(lambda: not _alive(processes), 10, "a killed supervisor leaves no process")
    finally:
        again.close()


def test_a_second_start_over_the_same_data_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    lock = terminal.data_dir / "lock"
    wait_until(lambda: lock.exists() and lock.read_text() and _locked(lock), START_SECONDS, "the first has its lock")
    second = Terminal(terminal.data_dir, free_port())
    try:
        assert second.make.wait(30) != 0
        assert f"in use by another `make run` (process {terminal.supervisor()})" in second.screen
    finally:
        second.close()


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        terminal = Terminal(tmp_path / "data", port)
        try:
            assert terminal.make.wait(30) != 0
            assert f"port {port} of 127.0.0.1 is in use" in terminal.screen
            assert "Traceback" not in terminal.screen
            assert {path.name for path in terminal.data_dir.iterdir()} == {"lock"}
        finally:
            terminal.close()


def _warmcast(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command without addresses and secret in its environment."""
    unset = {"JOBS_ADDR", "FORECASTER_ADDR", "WARMUP_SECRET"}
    environment = {name: value for name, value in inherited().items() if name not in unset}
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        env=environment | {"WARMCAST_DATA_DIR": str(data_dir)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _premium(port: int) -> dict[str, object]:
    url = f"http://127.0.0.1:{port}/api/comparison/premium?slug={sample.SLUG}&tf={sample.TIMEFRAME}"
    with urllib.request.urlopen(url, timeout=10) as response:
        answer: dict[str, object] = json.load(response)
    return answer


def _secret(terminal: Terminal) -> str:
    shown = re.search(r"the warmup secret\s+(\w{32})", terminal.screen)
    assert shown, terminal.screen
    return shown[1]


def _locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def _tree(pid: int) -> set[int]:
    """A process and all below it."""
    found = {pid}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= _tree(int(child))
    return found


def _alive(processes: set[int]) -> set[int]:
    alive = set()
    for pid in processes:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "State:\tZ" not in status:
            alive.add(pid)
    return alive
