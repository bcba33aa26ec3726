"""The commands that start a service. Each service is configured by its environment alone."""

from __future__ import annotations

# A service's modules are imported only by the command that starts it.
# ruff: noqa: PLC0415


def gateway() -> None:
    """Run the gateway: REST in, gRPC out."""
    from services.gateway.__main__ import main

    main()


def forecaster() -> None:
    """Run the forecaster: the engine and its cache."""
    from services.forecaster.__main__ import main

    main()


def jobs() -> None:
    """Run the jobs service: the queue and its dispatcher."""
    from services.jobs.__main__ import main

    main()
