"""Shifts the wall clock of a Python process that starts with this folder on its path.

Python imports `sitecustomize` before any other module. `datetime.now` is replaced inside the class, since drivers look
up the type itself. gRPC keeps the true time: its core reads the kernel's clock, which is not shifted, and receives
deadlines that its Python code computes from `time.time`. On a real machine both shift together, so deadlines are kept.
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
_TRUE_TIME = ModuleType("time")
_TRUE_TIME.__dict__.update(time.__dict__)


def _shifted_time() -> float:
    return _time() + _OFFSET


def _shifted_time_ns() -> int:
    return _time_ns() + int(_OFFSET * 1e9)


def _shifted_now(_cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
    return _now(tz) + datetime.timedelta(seconds=_OFFSET)


class _TrueTimeForGrpc:
    """Gives gRPC's modules the true `time` after they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] != "grpc":
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            # Any: a method of this one loader object is replaced.
            loader: Any = spec.loader
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                if module.__dict__.get("time") is time:
                    module.__dict__["time"] = _TRUE_TIME

            loader.exec_module = exec_module
        return spec


def _replace_classmethod(owner: type, name: str, function: Callable[..., Any]) -> None:
    # Attributes of a built-in class are read-only; gc gives access to the dictionary behind its mapping proxy.
    attributes = gc.get_referents(owner.__dict__)[0]
    attributes[name] = classmethod(function)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


def _shift() -> None:
    # Any: mypy refuses assignments to functions.
    clock: Any = time
    clock.time, clock.time_ns = _shifted_time, _shifted_time_ns
    _replace_classmethod(datetime.datetime, "now", _shifted_now)
    sys.meta_path.insert(0, _TrueTimeForGrpc())


_shift()
