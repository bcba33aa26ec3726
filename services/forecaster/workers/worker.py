"""The functions that run in a worker process. Imports neither grpc nor redis; loads the engine in the worker only."""

# ruff: noqa: PLC0415 - the parent imports this module to name its functions. Only workers import numpy, after their
# environment has set the number of threads.

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
    from services.forecaster.engine.types import EngineSetting, JsonObject, TermForecast, TermSeries
    from services.forecaster.insights.encoded import EncodedInsights

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_NICE = 10  # nice
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class SeriesRejected:
    """The series cannot be forecast. A value rather than an exception, so that it can be pickled."""

    reason: str
    detail: str


def start(parent: int, *, background: bool) -> None:
    """Initialises a worker: ends with its parent, ignores Ctrl-C, uses one thread, low priority, and is warm."""
    end_with_parent(parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler would wait for C code to return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(ONE_THREAD)
    from services.forecaster.workers.warm_up import warm_up

    warm_up()
    lower_priority(background=background)


def end_with_parent(parent: int) -> None:
    """Has the kernel kill this process when the thread that started it ends.

    Outside Linux a thread waits for the parent's end instead.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_exit_with_parent, daemon=True).start()
    if os.getppid() != parent:  # the parent ended before prctl
        os._exit(1)


def lower_priority(*, background: bool) -> None:
    """Lowers this process's priority, so that many runs do not slow requests (benchmarks/JOURNAL.md, mass expiry).

    With `background` it gets only idle CPU time (SCHED_IDLE), else about a tenth of a busy CPU. Leaving SCHED_IDLE
    needs a privilege.
    """
    os.nice(_NICE)
    if background and sys.platform == "linux":
        with contextlib.suppress(OSError):  # not permitted or not supported in some sandboxes
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def is_ready() -> bool:
    """Returns when the worker has started."""
    return True


def forecast(series: TermSeries, setting: EngineSetting) -> TermForecast | SeriesRejected:
    """One term's forecast."""
    from services.forecaster.engine.term import forecast_term
    from services.forecaster.engine.types import Unforecastable

    try:
        return forecast_term(series, setting)
    except Unforecastable as error:
        return SeriesRejected(error.reason, error.detail)


def compare(a: TermForecast, b: TermForecast) -> JsonObject | None:
    """The head-to-head of two forecast terms; None if they are scaled apart."""
    from services.forecaster.engine.bundle.head_to_head import head_to_head

    return head_to_head(a, b)


def find_insights(
    series_a: TermSeries,
    series_b: TermSeries,
    forecast_a: TermForecast,
    forecast_b: TermForecast,
    head_to_head: JsonObject | None,
) -> EncodedInsights:
    """The insights of both terms."""
    from services.forecaster.insights.encoded import encode
    from services.forecaster.insights.pair import pair_insights

    return encode(pair_insights(series_a, series_b, forecast_a, forecast_b, head_to_head))


def _exit_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
