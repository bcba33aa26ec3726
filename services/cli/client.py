"""The jobs service as client commands ask it, and errors as messages with exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, NoReturn

import typer
from warmcast.client import Deadlines, Jobs, WarmcastError, errors

from services.cli.settings import ClientSettings
from services.common import settings

DEADLINES = Deadlines(read=10)  # a person has more patience than a service
# A new pod may be refused for a second, until the network's policies know its address.
WAIT, STATUS_WAIT = 10.0, 2.0  # seconds
Wait = Annotated[
    float,
    typer.Option("--wait", min=0, max=3600, help="Seconds to wait for a connection to the jobs service; 0: none."),
]

# Exit codes: 0 done, 1 it could not be done, 2 wrong usage or input, 3 not allowed, 4 the service cannot be asked.
_EXIT = {400: 2, 413: 2, 415: 2, 401: 3, 404: 1, 409: 1, 503: 4, 504: 4}


@contextmanager
def connect(wait: float = WAIT) -> Iterator[Jobs]:
    """A client of the jobs service; ends the process with a clear message and an exit code when a call fails.

    Each call waits up to `wait` seconds for a connection.
    """
    configured = settings.load(ClientSettings)
    secret = configured.warmup_secret.get_secret_value() if configured.warmup_secret else None
    deadlines = replace(DEADLINES, connect=wait)
    with Jobs(configured.jobs_addr, secret=secret, deadlines=deadlines, tls=configured.tls()) as client:
        try:
            yield client
        except WarmcastError as error:
            fail(error)


def fail(error: WarmcastError) -> NoReturn:
    """Says what is wrong on standard error and ends the process."""
    hint = "; set WARMUP_SECRET to the server's" if error.reason is errors.UNAUTHENTICATED else ""
    print(f"warmcast: {error.detail}{hint}", file=sys.stderr)
    raise SystemExit(_EXIT.get(error.reason.http_status, 1))
