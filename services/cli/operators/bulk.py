"""Changes all jobs that match a filter, and follows the progress."""

from __future__ import annotations

import time
from typing import Final

import typer
from warmcast.client import Operations, WarmcastError
from warmcast.jobs.v1 import operations_pb2 as pb

from services.cli.client import connect_operations, exit_code, fail
from services.cli.output import line, plain, print_json

_POLL_SECONDS = 0.5
ABORTED: Final = "aborted"
FAILED: Final = "failed"
_ENDED = ("done", ABORTED, FAILED)
INTERRUPTED: Final = 130  # exit code after Ctrl-C, as shells use it


def change_matching(
    action: pb.BulkAction.ValueType, matching: pb.JobFilter, *, reason: str, dry_run: bool, as_json: bool, wait: float
) -> None:
    """Prepares, confirms and follows an operation, or only prints a sample of its jobs.

    Ctrl-C aborts it after its current batch.
    """
    if matching == pb.JobFilter():
        raise typer.BadParameter("specify either a job id, or options such as --status for all jobs that match")
    if not dry_run and not reason.strip():
        raise typer.BadParameter("required for several jobs; the audit keeps it", param_hint="--reason")
    with connect_operations(wait) as client:
        prepared = client.prepare(action, matching)
        if dry_run:
            if as_json:
                print_json(plain(prepared))
                return
            for job in prepared.sample:
                typer.echo(line(job))
            typer.echo(f"{prepared.operation.matched:,} would be changed", err=True)
            return
        ended = _follow(client, client.confirm(prepared.operation.id, reason))
    if as_json:
        print_json(plain(ended))
    typer.echo(summary(ended), err=True)
    if ended.state in (ABORTED, FAILED):
        raise typer.Exit(1)


def summary(operation: pb.BulkOperation) -> str:
    """An operation in one line."""
    skipped = f", {operation.skipped:,} skipped because they had changed" if operation.skipped else ""
    error = f"; its last batch failed: {operation.error}" if operation.error else ""
    changed = f"{operation.done:,} of {operation.matched:,} changed"
    return f"operation {operation.id}: {operation.state}, {changed}{skipped}{error}"


def _follow(client: Operations, operation: pb.BulkOperation) -> pb.BulkOperation:
    """Waits until the operation ends."""
    shown = ""
    try:
        while operation.state not in _ENDED:
            if (now := summary(operation)) != shown:
                typer.echo(now, err=True)
                shown = now
            time.sleep(_POLL_SECONDS)
            operation = client.get_operation(operation.id)
    except KeyboardInterrupt:
        _abort(client, operation)
    except WarmcastError as error:
        typer.echo(_goes_on(operation), err=True)
        fail(error)
    return operation


def _abort(client: Operations, operation: pb.BulkOperation) -> None:
    try:
        operation = client.abort(operation.id)
    except WarmcastError as error:
        typer.echo(f"warmcast: could not abort: {error.detail}; {_goes_on(operation)}", err=True)
        raise SystemExit(exit_code(error)) from None
    typer.echo(f"aborted; {summary(operation)}", err=True)
    raise SystemExit(INTERRUPTED)


def _goes_on(operation: pb.BulkOperation) -> str:
    return f"operation {operation.id} goes on in the background; see `warmcast jobs operation {operation.id}`"
