"""`warmcast jobs`: runs the service, or manages its jobs."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.cli import servers
from services.cli.client import WAIT, Wait, connect
from services.common.job_status import JobStatus
from services.common.rpc.job_status import TO_PROTO, status_name

app = typer.Typer(
    help="Run the jobs service; with a subcommand, list, show, re-queue or cancel jobs.", invoke_without_command=True
)
_MAX_ID = 2**63 - 1
_MAX_AGE = 10**9  # seconds
_JobId = Annotated[int, typer.Argument(min=1, max=_MAX_ID, help="Job id, as `warmcast jobs list` prints it.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def run(context: typer.Context) -> None:
    """Run the jobs service: the queue and its dispatcher."""
    if context.invoked_subcommand is None:
        servers.jobs()


@app.command("list")
def list_jobs(  # noqa: PLR0917 - typer reads options from parameters
    status: Annotated[str, typer.Option(help=" | ".join(JobStatus))] = "",
    slug: Annotated[str, typer.Option(help="Only jobs of this slug.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number of jobs.")] = 50,
    page: Annotated[str, typer.Option(help="Page token that the previous page printed.")] = "",
    as_json: _Json = False,
    wait: Wait = WAIT,
) -> None:
    """List jobs, newest first."""
    request = pb.ListJobsRequest(status=_status(status), slug=slug, page_size=limit, page_token=page)
    with connect(wait) as client:
        found = client.list_jobs(request)
    if as_json:
        _print_json([as_dict(job) for job in found.jobs])
        return
    for job in found.jobs:
        typer.echo(line(job))
    if found.next_page_token:
        typer.echo(f"more: --page {found.next_page_token}", err=True)


@app.command()
def show(job_id: _JobId, wait: Wait = WAIT) -> None:
    """Show one job, as JSON."""
    with connect(wait) as client:
        found = client.get_job(job_id)
    _print_json(as_dict(found))


@app.command()
def requeue(  # noqa: PLR0917 - typer reads options from parameters
    job_id: Annotated[
        int | None,
        typer.Argument(min=1, max=_MAX_ID, help="Job id; or use --status for all jobs that match the filters."),
    ] = None,
    status: Annotated[str, typer.Option(help="queued | ready | failed | cancelled")] = "",
    slug: Annotated[str, typer.Option(help="Only jobs of this slug.")] = "",
    older_than: Annotated[
        int, typer.Option(min=0, max=_MAX_AGE, help="Only jobs created at least this many seconds ago.")
    ] = 0,
    newer_than: Annotated[
        int, typer.Option(min=0, max=_MAX_AGE, help="Only jobs created at most this many seconds ago.")
    ] = 0,
    most: Annotated[int, typer.Option("--max", min=1, max=1000, help="Maximum number of jobs.")] = 100,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the jobs without changing them.")] = False,
    wait: Wait = WAIT,
) -> None:
    """Queue jobs again, in any state except running."""
    if (job_id is None) == (not status):
        raise typer.BadParameter("specify either a job id or --status")
    with connect(wait) as client:
        if job_id is not None:
            typer.echo(line(client.requeue_job(job_id)))
            return
        request = pb.RequeueJobsRequest(
            status=_status(status),
            slug=slug,
            older_than_seconds=older_than,
            newer_than_seconds=newer_than,
            max=most,
            dry_run=dry_run,
        )
        done = client.requeue_jobs(request)
    for job in done:
        typer.echo(line(job))
    typer.echo(f"{len(done)} {'would be re-queued' if dry_run else 're-queued'}", err=True)


@app.command()
def cancel(job_id: _JobId, wait: Wait = WAIT) -> None:
    """Cancel a queued or running job."""
    with connect(wait) as client:
        done = client.cancel_job(job_id)
    typer.echo(line(done))


def line(job: pb.WarmupJob) -> str:
    """A job in one line."""
    where = f"{job.slug} {job.timeframe} {job.geo or 'worldwide'}"
    error = f" · {job.last_error}" if job.last_error else ""
    return f"{job.id:>6}  {status_name(job.status):<9}  attempt {job.attempts}  {where}  {job.data_hash}{error}"


def as_dict(job: pb.WarmupJob) -> dict[str, object]:
    """A job as JSON shows it."""
    fields: dict[str, object] = MessageToDict(job)
    return fields | {"id": job.id, "status": status_name(job.status)}


def _status(name: str) -> pb.JobStatus.ValueType:
    if not name:
        return pb.JOB_STATUS_UNSPECIFIED
    if name not in set(JobStatus):
        raise typer.BadParameter(f"one of {', '.join(JobStatus)}", param_hint="--status")
    return TO_PROTO[JobStatus(name)]


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
