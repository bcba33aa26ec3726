"""Starts the gateway: `warmcast gateway`, or `python -m services.gateway`."""

from __future__ import annotations


def main() -> None:
    """Runs the gateway until it is told to stop. Ends with status 1 when a port is taken, 2 on a bad setting."""
    # Imported here, so that a command line that only offers this command stays fast.
    from services.gateway.bootstrap import run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
