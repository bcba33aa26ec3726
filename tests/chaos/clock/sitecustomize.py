"""Moves the wall clock of the Python process that starts with this folder on its path; no other clock, nobody else's.

Python imports a module of this name before any other one. `datetime.now` is exchanged inside the class itself, so that
the class stays what it is for drivers that look a type up. gRPC keeps the true time: its core reads the kernel's clock,
which nobody moved, and takes deadlines that its Python half makes from `time.time`; a clock that is moved for both, as
on a real machine, leaves the time that a call may take what it was.
"""

from __future__ import annotations

import ctypes
import datetime
import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_OFFSET = float(os.environ["CHAOS_CLOCK_OFFSET"])  # seconds
_time, _time_ns, _now = time.time, time.time_ns, datetime.datetime.now
_TRUE = ModuleType("time")
_TRUE.__dict__.update(time.__dict__)


def _moved_time() -> float:
    return _time() + _OFFSET


def _moved_time_ns() -> int:
    return _time_ns() + int(_OFFSET * 1e9)


def _moved_now(_cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
    return _now(tz) + datetime.timedelta(seconds=_OFFSET)


class _TrueTimeForGrpc:
    """Finds gRPC's modules as ever, and hands them the true `time` once they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] != "grpc":
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            # Any: the loader of one module gets a method of its own.
            loader: Any = spec.loader
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                if module.__dict__.get("time") is time:
                    module.__dict__["time"] = _TRUE

            loader.exec_module = exec_module
        return spec


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
    sys.meta_path.insert(0, _TrueTimeForGrpc())


_move()
