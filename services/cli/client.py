"""The jobs service as client commands ask it: plain, blocking calls, and errors as messages with exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import grpc
from warmcast.jobs.v1 import jobs_pb2_grpc

from services.cli.settings import ClientSettings
from services.common import errors, settings, telemetry
from services.common.errors import WarmcastError
from services.common.rpc import metadata
from services.common.rpc.status import from_rpc_error

# Exit codes: 0 done, 1 it could not be done, 2 wrong usage or input, 3 not allowed, 4 the service cannot be asked.
_EXIT = {400: 2, 413: 2, 415: 2, 401: 3, 404: 1, 409: 1, 503: 4, 504: 4}


class Jobs:
    """A connection to the jobs service."""

    def __init__(self, channel: grpc.Channel, secret: str | None) -> None:
        self.stub = jobs_pb2_grpc.JobsServiceStub(channel)
        self._secret = secret

    def sent(self) -> metadata.Metadata:
        """The metadata of one call: a request id, and the secret where there is one."""
        telemetry.request_id.set(telemetry.new_request_id())
        return metadata.outgoing(secret=self._secret)


@contextmanager
def jobs() -> Iterator[Jobs]:
    """Connects; ends the process with a clear message and an exit code when a call fails."""
    configured = settings.load(ClientSettings)
    secret = configured.warmup_secret.get_secret_value() if configured.warmup_secret else None
    with grpc.insecure_channel(configured.jobs_addr) as channel:
        try:
            yield Jobs(channel, secret)
        except grpc.RpcError as error:
            if not isinstance(error, grpc.Call):
                raise
            fail(from_rpc_error(error, asked=f"the jobs service at {configured.jobs_addr}"))


def fail(error: WarmcastError) -> NoReturn:
    """Says what is wrong on standard error and ends the process."""
    hint = "; set WARMUP_SECRET to the server's" if error.reason is errors.UNAUTHENTICATED else ""
    print(f"warmcast: {error.detail}{hint}", file=sys.stderr)
    raise SystemExit(_EXIT.get(error.reason.http_status, 1))
