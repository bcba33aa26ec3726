"""Starts the forecaster: settings → pool → Redis → servicer → server."""

# The workers must start before grpc is imported, so main() imports what it needs in that order.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs until SIGTERM or SIGINT, then drains and ends every worker."""
    from services.common.settings import load
    from services.common.telemetry.tracing import configure_logging
    from services.forecaster.settings import ForecasterSettings
    from services.forecaster.workers.pool import Pool

    # A spawned worker imports anew what the parent ran as its main script, and with the command line's comes grpc. A
    # package's __main__ is left out, so for the workers this module is the one that runs, whoever called it.
    sys.modules["__main__"] = sys.modules[__name__]

    settings = load(ForecasterSettings)
    configure_logging("forecaster", log_format=settings.log_format, level=settings.log_level)
    # Workers are spawned (fork and exec at once), which needs none of grpc's handlers around a fork.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    pool = Pool(
        slots=settings.worker_slots,
        queue_limit=settings.effective_queue_limit(),
        deadline=settings.forecast_deadline_seconds,
    )
    pool.start()  # the first workers start before grpc is even imported

    import uvloop

    from services.common.runtime.gc_tuning import collect_less_often
    from services.forecaster.bootstrap import serve

    collect_less_often()
    uvloop.run(serve(settings, pool))


if __name__ == "__main__":
    main()
