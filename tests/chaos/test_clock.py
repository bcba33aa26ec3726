"""The moved clock: the wall clock of one process is off, and nothing else of it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.chaos.world import moved_clock

_TELL = """
import datetime, time
from datetime import datetime as imported
print(time.time(), time.time_ns() / 1e9, imported.now().timestamp(), imported.now(datetime.UTC).timestamp())
print(time.monotonic())
print(type(imported.now()) is imported)
"""


@pytest.mark.parametrize("hours", [-30, 0, 30])
def test_only_the_wall_clock_is_moved(hours: int) -> None:
    told = subprocess.run([sys.executable, "-c", _TELL], env=moved_clock(hours * 3600), capture_output=True, check=True)
    wall, monotonic, same_class = told.stdout.decode().splitlines()
    assert [float(each) for each in wall.split()] == pytest.approx([time.time() + hours * 3600] * 4, abs=60)
    assert float(monotonic) == pytest.approx(time.monotonic(), abs=60)
    assert same_class == "True"
