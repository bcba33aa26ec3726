"""The connections of client commands to the services; errors become messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, NoReturn, TypeVar

import typer
from warmcast.client import Deadlines, Jobs, Operations, WarmcastError, aio, errors

from services.cli.settings import ClientSettings
from services.common import settings

DEADLINES = Deadlines(read=10)  # seconds; longer than for services
# Network policies may refuse a new pod for about a second.
WAIT, STATUS_WAIT = 10.0, 2.0  # seconds
Wait = Annotated[
    float,
    typer.Option(
        "--wait", min=0, max=3600, help="Seconds to wait for a connection to the jobs service; 0: do not wait."
    ),
]

# Exit codes: 0 success, 1 failure, 2 wrong usage or input, 3 not authorised, 4 service unavailable.
_EXIT = {400: 2, 413: 2, 415: 2, 401: 3, 404: 1, 409: 1, 503: 4, 504: 4}


Client = TypeVar("Client", Jobs, Operations)


@dataclass(frozen=True)
class Clients:
    """Clients of all services."""

    jobs: aio.Jobs
    operations: aio.Operations
    forecaster: aio.Forecaster


@contextmanager
def connect(wait: float = WAIT) -> Iterator[Jobs]:
    """A client of the jobs service. A failed call ends the process with a message and an exit code.

    Each call waits up to `wait` seconds for a connection.
    """
    with _connected(Jobs, wait) as client:
        yield client


@contextmanager
def connect_operations(wait: float = WAIT) -> Iterator[Operations]:
    """The same for the RPCs of operators."""
    with _connected(Operations, wait) as client:
        yield client


@asynccontextmanager
async def connect_all(wait: float) -> AsyncIterator[Clients]:
    """Clients of all services, without a secret: they only read. A failed call raises WarmcastError."""
    configured = settings.load(ClientSettings)
    deadlines, tls = replace(DEADLINES, connect=wait), configured.tls()
    async with (
        aio.Jobs(configured.jobs_addr, deadlines=deadlines, tls=tls) as jobs,
        aio.Operations(configured.jobs_addr, deadlines=deadlines, tls=tls) as operations,
        aio.Forecaster(configured.forecaster_addr, deadlines=deadlines, tls=tls) as forecaster,
    ):
        yield Clients(jobs, operations, forecaster)


@contextmanager
def _connected(kind: type[Client], wait: float) -> Iterator[Client]:
    configured = settings.load(ClientSettings)
    secret = configured.warmup_secret.get_secret_value() if configured.warmup_secret else None
    deadlines = replace(DEADLINES, connect=wait)
    operator = configured.operator()
    with kind(
        configured.jobs_addr, secret=secret, operator=operator, deadlines=deadlines, tls=configured.tls()
    ) as client:
        try:
            yield client
        except WarmcastError as error:
            fail(error)


def fail(error: WarmcastError) -> NoReturn:
    """Prints the error to standard error and ends the process."""
    hint = "; set WARMUP_SECRET to the secret of the server" if error.reason is errors.UNAUTHENTICATED else ""
    print(f"warmcast: {error.detail}{hint}", file=sys.stderr)
    raise SystemExit(exit_code(error))


def exit_code(error: WarmcastError) -> int:
    """The exit code of a command that this error ended."""
    return _EXIT.get(error.reason.http_status, 1)
