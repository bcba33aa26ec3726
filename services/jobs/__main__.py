"""Starts jobs: `warmcast jobs`, or `python -m services.jobs`."""

from __future__ import annotations

import uvloop

from services.common.runtime.gc_tuning import collect_less_often
from services.common.settings import load
from services.common.telemetry.logs import configure_logging
from services.jobs.bootstrap import serve
from services.jobs.settings import JobsSettings


def main() -> None:
    """Runs until SIGTERM or SIGINT; exits 0 once drained."""
    settings = load(JobsSettings)
    configure_logging("jobs", log_format=settings.log_format, level=settings.log_level)
    collect_less_often()
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
