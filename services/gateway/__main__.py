"""Starts the gateway: `warmcast gateway`, or `python -m services.gateway`."""

from __future__ import annotations


def main() -> None:
    """Runs the gateway until SIGTERM. Exits with status 1 if a port is in use, 2 for an invalid setting."""
    # Imported late, because the command line imports this module to list its commands.
    from services.gateway.bootstrap import run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
