"""Moves the wall clock of the Python process that starts with this folder on its path; no other clock, nobody else's.

Python imports a module of this name before any other one. `datetime.now` is exchanged inside the class itself, so that
the class stays what it is for drivers that look a type up.
"""

from __future__ import annotations

import ctypes
import datetime
import gc
import os
import time
from collections.abc import Callable
from typing import Any

_OFFSET = float(os.environ["CHAOS_CLOCK_OFFSET"])  # seconds
_time, _time_ns, _now = time.time, time.time_ns, datetime.datetime.now


def _moved_time() -> float:
    return _time() + _OFFSET


def _moved_time_ns() -> int:
    return _time_ns() + int(_OFFSET * 1e9)


def _moved_now(_cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
    return _now(tz) + datetime.timedelta(seconds=_OFFSET)


def _exchange(owner: type, name: str, function: Callable[..., Any]) -> None:
    # A built-in class takes no attributes, but its dictionary is there for whoever looks behind the proxy.
    attributes = gc.get_referents(owner.__dict__)[0]
    attributes[name] = classmethod(function)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


def _move() -> None:
    # Any: mypy knows these as functions, which are not assigned to.
    clock: Any = time
    clock.time, clock.time_ns = _moved_time, _moved_time_ns
    _exchange(datetime.datetime, "now", _moved_now)


_move()
