"""What runs inside a worker process. Imports neither grpc nor redis, and the engine only once a worker has started."""

# ruff: noqa: PLC0415 - the parent imports this module to name its functions; numpy is for the workers alone, and only
# after their environment says how many threads it may use.

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.forecaster.engine.types import EngineSetting, TermForecast, TermSeries

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_NICE = 10  # nice
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class SeriesRejected:
    """The engine's word that no forecast can be made of a series. A value: it crosses processes without surprises."""

    reason: str
    detail: str


def start(parent: int, *, background: bool) -> None:
    """Makes this process a worker: ends with its parent, ignores Ctrl-C, computes on one thread, is warm, gives way."""
    end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(ONE_THREAD)
    from services.forecaster.engine.warm_up import warm_up

    warm_up()
    lower_priority(background=background)


def end_with_parent(parent: int) -> None:
    """Asks the kernel to kill this process as soon as the thread that started it ends, in the middle of anything.

    Other kernels than Linux cannot be asked: there a thread waits for the parent's end.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_wait_for_the_end, daemon=True).start()
    if os.getppid() != parent:  # it was gone before the kernel was asked
        os._exit(1)


def lower_priority(*, background: bool) -> None:
    """Lets those who serve go first, so that a mass of runs slows no answer (see benchmarks/RESULTS.md).

    In the background it computes in whatever time others leave, and whoever wakes up takes its CPU at once; else it
    gets some tenth of the CPU, however busy that is. There is no way back from the background without a privilege.
    """
    os.nice(_NICE)
    if background and sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may forbid it, or not know it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def is_ready() -> bool:
    """Answers once the worker has started."""
    return True


def forecast(series: TermSeries, setting: EngineSetting) -> TermForecast | SeriesRejected:
    """One term's forecast."""
    from services.forecaster.engine.term import forecast_term
    from services.forecaster.engine.types import Unforecastable

    try:
        return forecast_term(series, setting)
    except Unforecastable as error:
        return SeriesRejected(error.reason, error.detail)


def compare(a: TermForecast, b: TermForecast) -> dict[str, object] | None:
    """How two forecast terms stand to each other; None when they are scaled apart."""
    from services.forecaster.engine.bundle.head_to_head import head_to_head

    return head_to_head(a, b)


def _wait_for_the_end() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
