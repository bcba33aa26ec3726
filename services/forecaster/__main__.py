"""Starts the forecaster: settings, worker pool, then Redis, servicer and server."""

# The workers must start before grpc is imported, so main() imports in that order.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys


def main() -> None:
    """Serves until SIGTERM or SIGINT, then drains and stops every worker."""
    from services.common.settings import load
    from services.common.telemetry.logs import configure_logging
    from services.forecaster.settings import ForecasterSettings
    from services.forecaster.workers.pool import Pool

    # A spawned worker imports the parent's main script, and the command line's imports grpc. A package's __main__ is
    # not imported, so this module is set as the main one.
    sys.modules["__main__"] = sys.modules[__name__]

    settings = load(ForecasterSettings)
    configure_logging("forecaster", log_format=settings.log_format, level=settings.log_level)
    # Workers are spawned, not forked, so grpc's fork handlers are not needed.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    pool = Pool(
        slots=settings.worker_slots,
        queue_limit=settings.effective_queue_limit(),
        deadline=settings.forecast_deadline_seconds,
    )
    pool.start()  # before grpc is imported

    import uvloop

    from services.common.runtime.gc_tuning import collect_less_often
    from services.forecaster.bootstrap import serve

    collect_less_often()
    uvloop.run(serve(settings, pool))


if __name__ == "__main__":
    main()
