"""`warmcast jobs`: runs the service, or manages its jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from warmcast.client import Jobs
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.cli import servers
from services.cli.client import WAIT, Wait, connect, connect_operations
from services.cli.operators import filters
from services.cli.operators.attempts import attempt_line
from services.cli.operators.bulk import ABORTED, FAILED, change_matching, summary
from services.cli.operators.filters import Chosen, status_number
from services.cli.output import AsJson, Limit, Page, line, plain, print_json, print_more

app = typer.Typer(
    help="Run the jobs service; with a subcommand, list, show, run, re-queue or cancel jobs.",
    invoke_without_command=True,
)
_MAX_ID = 2**63 - 1
_JobId = Annotated[int, typer.Argument(min=1, max=_MAX_ID, help="Job id, as `warmcast jobs list` prints it.")]
_JobIdOrFilter = Annotated[
    int | None, typer.Argument(min=1, max=_MAX_ID, help="Job id; or use options for all jobs that match.")
]
_Reason = Annotated[str, typer.Option(help="Why, for the audit.")]
_BulkReason = Annotated[str, typer.Option(help="Why, for the audit; required for all jobs that match.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Print how many match, and a sample; change nothing.")]


@app.callback()
def serve(context: typer.Context) -> None:
    """Run the jobs service: the queue and its dispatcher."""
    if context.invoked_subcommand is None:
        servers.jobs()


@app.command("list")
def list_jobs(  # noqa: PLR0917 - typer reads options from parameters
    status: filters.Status = "",
    slug: filters.Slug = "",
    tf: filters.Timeframe = "",
    geo: filters.Geo = None,
    episode_reason: filters.EpisodeReason = "",
    error_reason: filters.ErrorReason = "",
    engine_version: filters.EngineVersion = "",
    older_than: filters.OlderThan = 0,
    newer_than: filters.NewerThan = 0,
    limit: Limit = 50,
    page: Page = "",
    as_json: AsJson = False,
    wait: Wait = WAIT,
) -> None:
    """List jobs, newest first."""
    request = jobs_pb2.ListJobsRequest(
        status=status_number(status),
        slug=slug,
        timeframe=tf,
        geo=geo,
        reason=episode_reason,
        error_reason=error_reason,
        engine_version=engine_version,
        older_than_seconds=older_than,
        newer_than_seconds=newer_than,
        page_size=limit,
        page_token=page,
    )
    with connect(wait) as client:
        found = client.list_jobs(request)
    if as_json:
        print_json([plain(job) for job in found.jobs])
    else:
        for job in found.jobs:
            typer.echo(line(job))
    print_more(found.next_page_token)


@app.command()
def show(
    job_id: _JobId,
    _as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as without this option.")] = False,
    wait: Wait = WAIT,
) -> None:
    """Show one job, as JSON."""
    with connect(wait) as client:
        found = client.get_job(job_id)
    print_json(plain(found))


@app.command()
def attempts(job_id: _JobId, limit: Limit = 50, page: Page = "", as_json: AsJson = False, wait: Wait = WAIT) -> None:
    """List the attempts of one job that have ended, newest first."""
    with connect_operations(wait) as client:
        found = client.list_attempts(job_id, page_size=limit, page_token=page)
    if as_json:
        print_json([plain(attempt) for attempt in found.attempts])
    else:
        for attempt in found.attempts:
            typer.echo(attempt_line(attempt))
    print_more(found.next_page_token)


@app.command()
def run(job_id: _JobId, reason: _Reason = "", as_json: AsJson = False, wait: Wait = WAIT) -> None:
    """Run one job at once; one that is not queued is queued again first. Exits with 1 if it does not become ready."""
    with connect_operations(wait) as client:
        done = client.run_job(job_id, reason=reason)
    _print_job(done, as_json=as_json)
    if done.status != jobs_pb2.JOB_STATUS_READY:
        raise typer.Exit(1)


def _changing(action: pb.BulkAction.ValueType, change_one: Callable[..., jobs_pb2.WarmupJob]) -> Callable[..., None]:
    """A command that changes one job by its id, or all that match."""

    def change(  # noqa: PLR0917 - typer reads options from parameters
        job_id: _JobIdOrFilter = None,
        status: filters.Status = "",
        slug: filters.Slug = "",
        tf: filters.Timeframe = "",
        geo: filters.Geo = None,
        episode_reason: filters.EpisodeReason = "",
        error_reason: filters.ErrorReason = "",
        engine_version: filters.EngineVersion = "",
        older_than: filters.OlderThan = 0,
        newer_than: filters.NewerThan = 0,
        reason: _BulkReason = "",
        dry_run: _DryRun = False,
        as_json: AsJson = False,
        wait: Wait = WAIT,
    ) -> None:
        chosen = Chosen(
            status, slug, tf, geo, episode_reason, error_reason, engine_version, older_than, newer_than
        ).filter()
        if job_id is None:
            change_matching(action, chosen, reason=reason, dry_run=dry_run, as_json=as_json, wait=wait)
            return
        if chosen != pb.JobFilter() or dry_run:
            raise typer.BadParameter("specify either a job id, or options for all jobs that match")
        with connect(wait) as client:
            done = change_one(client, job_id, reason=reason)
        _print_job(done, as_json=as_json)

    return change


_BACKGROUND = """

All that match, up to 100,000, are changed in batches in the background; jobs that change meanwhile are skipped. The
command follows the progress. Ctrl-C aborts the operation after its current batch; what was done stays done.
"""
app.command("requeue", help=f"Queue one job again, or all that match, in any state except running.{_BACKGROUND}")(
    _changing(pb.BULK_ACTION_REQUEUE, Jobs.requeue_job)
)
app.command("cancel", help=f"Cancel one queued or running job, or all that match.{_BACKGROUND}")(
    _changing(pb.BULK_ACTION_CANCEL, Jobs.cancel_job)
)


@app.command()
def operation(
    operation_id: Annotated[int, typer.Argument(min=1, max=_MAX_ID, help="Id of a bulk operation.")],
    abort: Annotated[bool, typer.Option("--abort", help="Abort it after its current batch.")] = False,
    as_json: AsJson = False,
    wait: Wait = WAIT,
) -> None:
    """Print the progress of an operation on all jobs that matched, or abort it."""
    with connect_operations(wait) as client:
        found = client.abort(operation_id) if abort else client.get_operation(operation_id)
    if as_json:
        print_json(plain(found))
    else:
        typer.echo(summary(found))
    if found.state == FAILED or (found.state == ABORTED and not abort):
        raise typer.Exit(1)


def _print_job(job: jobs_pb2.WarmupJob, *, as_json: bool) -> None:
    if as_json:
        print_json(plain(job))
    else:
        typer.echo(line(job))
