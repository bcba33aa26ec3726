"""A rehearsal that receives a signal stops all its processes and removes its folder, at any moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.settings import CHECKOUT, inherited
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by /proc"),
]

# A shell starts background programs, such as this test run, with SIGINT ignored.
_AS_IN_A_TERMINAL = (
    "import runpy, signal\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "runpy.run_module('rehearsal', run_name='__main__')"
)


@pytest.mark.parametrize(
    ("number", "moment"), [(signal.SIGTERM, "as stores start"), (signal.SIGINT, "as services run")]
)
def test_a_signal_ends_all_processes_and_removes_the_folder(
    number: signal.Signals, moment: str, tmp_path: Path
) -> None:
    lines: list[str] = []
    with _rehearsal(tmp_path) as rehearsal:
        reader = threading.Thread(target=lines.extend, args=(rehearsal.stdout,))
        reader.start()
        if moment == "as stores start":
            wait_until(lambda: any("postgres" in line for line in _processes(tmp_path)), 60, "PostgreSQL is created")
        else:
            wait_until(lambda: lines, 90, "the first claim holds")
        # Twice, as `make` does.
        rehearsal.send_signal(number)
        rehearsal.send_signal(number)
        assert rehearsal.wait(60) == 128 + number
        reader.join()
        assert rehearsal.stderr
        assert rehearsal.stderr.read() == f"{number.name}: stopped after cleaning up\n"
    assert not list(tmp_path.iterdir())
    assert not _processes(tmp_path)


@contextlib.contextmanager
def _rehearsal(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A short rehearsal whose temporary folder is in `folder`."""
    command = [sys.executable, "-c", _AS_IN_A_TERMINAL, "--short"]
    pipe = subprocess.PIPE
    environment = {**inherited(), "TMPDIR": str(folder)}  # all of its processes inherit it
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=pipe, stderr=pipe, text=True) as rehearsal:
        try:
            yield rehearsal
        finally:
            rehearsal.kill()


def _processes(folder: Path) -> list[str]:
    """The command lines of all that have that folder in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # others', and those that are gone meanwhile
            if os.fsencode(folder) in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text(errors="replace").replace("\0", " "))
    return found
