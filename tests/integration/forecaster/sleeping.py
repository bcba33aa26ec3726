"""A forecaster whose workers sleep before they compute: `python -m tests.integration.forecaster.sleeping`.

Its workers get a normal share of the CPU, so that its rate does not depend on what else the machine does.
"""

from __future__ import annotations

import importlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from services.forecaster.workers import worker

if TYPE_CHECKING:
    from services.forecaster.engine.types import EngineSetting, TermForecast, TermSeries

SECONDS = "TEST_WORKER_SLEEPS"  # for each of the two series of a run
VERSION = "TEST_ENGINE_VERSION"
MARK = "TEST_WORKER_MARK"  # a file that a worker writes before it sleeps
_start, _compute = worker.start, worker.forecast


def start(parent: int, *, background: bool) -> None:
    """As worker.start, without background priority. Workers import it by its name."""
    del background
    _start(parent, background=False)


def forecast(series: TermSeries, setting: EngineSetting) -> TermForecast | worker.SeriesRejected:
    """As worker.forecast, later. Workers import it by its name."""
    if mark := os.environ.get(MARK):
        Path(mark).touch()
    time.sleep(float(os.environ[SECONDS]))
    return _compute(series, setting)


if __name__ == "__main__":
    # Imported by its full name, because this module is __main__ in this process.
    importable = importlib.import_module("tests.integration.forecaster.sleeping")
    worker.start, worker.forecast = importable.start, importable.forecast
    if version := os.environ.get(VERSION):
        from services.forecaster.engine import version as engine

        engine.ENGINE_VERSION = version
    from services.forecaster import __main__ as forecaster  # the pool reads worker.start when it is imported

    forecaster.main()
