"""Commands that start a service. Environment variables configure it."""

from __future__ import annotations

# Only the command that starts a service imports its modules.
# ruff: noqa: PLC0415


def gateway() -> None:
    """Run the gateway, which serves the REST API."""
    from services.gateway.__main__ import main

    main()


def forecaster() -> None:
    """Run the forecaster, which computes and caches forecasts."""
    from services.forecaster.__main__ import main

    main()


def jobs() -> None:
    """Run the jobs service, which holds the queue."""
    from services.jobs.__main__ import main

    main()
