"""Commands for data and warmups: import, run-warmup, sweep, refresh, retention, status."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.cli.client import STATUS_WAIT, WAIT, Wait, connect
from services.cli.output import AsJson, line, plain, print_json
from services.common.rpc.job_status import status_name

_MAX_FILE_BYTES = 2 * 1024 * 1024
_COUNT_CAP = 10_000  # where the service stops counting
_SETTLED = (pb.JOB_STATUS_READY, pb.JOB_STATUS_FAILED, pb.JOB_STATUS_CANCELLED)


def import_files(  # noqa: PLR0917 - typer reads options from parameters
    files: Annotated[list[Path], typer.Argument(help="One export, or two exports of one term each.")],
    term: Annotated[
        list[str] | None, typer.Option(help="Twice: the two terms to import from a file with more.")
    ] = None,
    tf: Annotated[str, typer.Option(help="7d | 30d | 3m | 12m | 5y | all; default: detected from the data.")] = "",
    geo: Annotated[
        str | None, typer.Option(help="ISO 3166 code, empty for worldwide; default: from the header or the file name.")
    ] = None,
    slug: Annotated[str, typer.Option(help="Expected slug; other comparisons are refused.")] = "",
    as_of: Annotated[datetime | None, typer.Option(help="Time of the export, UTC; default: now.")] = None,
    charset: Annotated[
        str, typer.Option(help="Charset of files that are not in UTF-8; default: detected if certain.")
    ] = "",
    as_json: AsJson = False,
    wait: Wait = WAIT,
) -> None:
    """Import Google Trends CSV exports as a comparison."""
    contents = [(path.name, _content(path)) for path in files]
    with connect(wait) as client:
        done = client.ingest_files(
            contents,
            timeframe=tf,
            geo=geo,
            terms=term or (),
            expected_slug=slug,
            as_of=as_of.replace(tzinfo=UTC) if as_of else None,
            charset=charset,
        )
    if as_json:
        print_json(plain(done))
        return
    first, last = (stamp.ToDatetime(tzinfo=UTC).date() for stamp in (done.first, done.last))
    news = "imported" if done.created else "already imported"
    typer.echo(f"{news}: {done.slug} ({done.terms[0]} / {done.terms[1]}), {done.timeframe}, {done.geo or 'worldwide'}")
    if done.geo_assumed:
        typer.echo("  assumed worldwide: no file names a place; set it with --geo")
    typer.echo(f"  {done.points} points, {first} to {last}, data hash {done.data_hash}")
    for cleaned in done.cleaned:
        typer.echo(f"  cleaned: {cleaned.what} ({cleaned.count})")
    if done.partial_last_period:
        typer.echo("  the last period is incomplete and not used in forecasts")
    if done.scaled_apart:
        typer.echo("  joined from two exports with separate scales: no head-to-head comparison")


def run_warmup(
    most: Annotated[int, typer.Option("--max", min=1, max=100, help="Maximum number of jobs.")] = 1,
    as_json: AsJson = False,
    wait: Wait = WAIT,
) -> None:
    """Claim and run queued jobs, oldest first. Exits with 1 if one of them does not become ready."""
    done: list[pb.WarmupJob] = []
    with connect(wait) as client:
        # One call for each job: each is printed when it ends, and no call lasts longer than one run.
        while len(done) < most:
            run = client.run_warmup(1)
            if not run:
                break
            done.extend(run)
            if not as_json:
                typer.echo(line(run[0]))
    if as_json:
        print_json([plain(job) for job in done])
    typer.echo(f"{len(done)} run" if done else "no queued jobs", err=True)
    if any(job.status != pb.JOB_STATUS_READY for job in done):
        raise typer.Exit(1)


def sweep(as_json: AsJson = False, wait: Wait = WAIT) -> None:
    """Re-queue stuck jobs, and jobs whose forecasts are missing from the cache."""
    with connect(wait) as client:
        done = client.sweep()
    if as_json:
        print_json(plain(done))
        return
    for swept in done.requeued:
        typer.echo(f"{line(swept.job)}  ← {swept.cause}")
    typer.echo(f"{len(done.requeued)} re-queued, {done.audited} audited", err=True)
    if done.audit_skipped:
        typer.echo(f"audit incomplete: {done.audit_skipped}", err=True)


def refresh(
    most: Annotated[
        int,
        typer.Option(
            "--max",
            min=0,
            max=10_000,
            help="Maximum number of refreshes in the queue; 0: as many as run in ten minutes.",
        ),
    ] = 0,
    as_json: AsJson = False,
    wait: Wait = WAIT,
) -> None:
    """Enqueue forecasts that will soon be stale, the most requested first."""
    with connect(wait) as client:
        done = client.refresh(most)
    if as_json:
        print_json(plain(done))
        return
    for job in done.jobs:
        typer.echo(line(job))
    typer.echo(f"{max(done.enqueued, len(done.jobs))} to refresh", err=True)  # an older server sends no count
    if done.left_due:
        more = "+" if done.left_due >= _COUNT_CAP else ""
        typer.echo(f"{done.left_due}{more} more are due; {_refresh_limit(done)}", err=True)


def _refresh_limit(done: pb.RefreshForecastsResponse) -> str:
    limit = f"limit: {done.limit} in the queue"
    if not done.worker_slots:
        return limit
    return f"{limit}, the runs of {done.worker_slots} slots in ten minutes at {done.mean_run_seconds:.2g} s each"


def retention(
    days: Annotated[int, typer.Option(min=1, max=3650, help="Age in days since the job settled, at least.")] = 90,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Rows of each table in one transaction.")] = 1000,
    as_json: AsJson = False,
    wait: Wait = WAIT,
) -> None:
    """Delete old jobs and snapshots that no comparison uses, old attempts, and what operators and schedules did."""
    total = 0
    with connect(wait) as client:
        while True:
            deleted = client.delete_old_jobs(days, batch)
            total += deleted
            if deleted < batch:
                break
            typer.echo(f"{total} deleted so far", err=True)
    if as_json:
        print_json({"deleted": total})
    typer.echo(f"{total} deleted", err=True)


def status(as_json: AsJson = False, wait: Wait = STATUS_WAIT) -> None:
    """Print the state of the queue."""
    with connect(wait) as client:
        now = client.get_status()
    if as_json:
        print_json(plain(now))
        return
    for each in now.counts:
        more = "+" if each.count >= _COUNT_CAP else ""
        settled = " in 24 h" if each.status in _SETTLED else ""
        typer.echo(f"{status_name(each.status):<10} {each.count:>8}{more}{settled}")
    if now.oldest_queued_seconds:
        typer.echo(f"oldest queued for {now.oldest_queued_seconds:.0f} s")
    if now.oldest_running_seconds:
        typer.echo(f"oldest running for {now.oldest_running_seconds:.0f} s")
    typer.echo(f"forecaster: {_forecaster(now)}")
    if now.forecaster_available and now.forecaster_cause:
        typer.echo(f"forecaster replicas without runs: {now.forecaster_cause}")
    typer.echo(f"dispatcher: {'on' if now.dispatcher_enabled else 'off'}")
    if now.database_read_only:
        typer.echo("PostgreSQL is read-only: nothing is enqueued or claimed; DATABASE_URL must name the primary")


def _forecaster(now: pb.GetStatusResponse) -> str:
    if not now.forecaster_available:
        return f"unavailable for runs: {now.forecaster_cause or 'no response'}"
    several = f" of {now.forecaster_replicas} replicas" if now.forecaster_replicas > 1 else ""
    return f"engine {now.engine_version}, {now.worker_slots} slots{several}"


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        _refuse(f"{path}: {error.strerror}")
    if len(content) > _MAX_FILE_BYTES:
        _refuse(f"{path}: larger than {_MAX_FILE_BYTES} bytes")
    return content


def _refuse(reason: str) -> NoReturn:
    print(f"warmcast: {reason}", file=sys.stderr)
    raise SystemExit(2)
