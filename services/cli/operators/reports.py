"""`warmcast stats`, `warmcast coverage` and `warmcast audit`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from warmcast.jobs.v1 import operations_pb2 as pb

from services.cli.client import WAIT, Wait, connect_operations
from services.cli.output import AsJson, Limit, Page, count, moment, plain, print_json, print_more, seconds
from services.common.freshness import FRESHNESS_FILTERS, Staleness

_WINDOWS = {"1h": 1, "6h": 6, "24h": 24, "7d": 168}
_STATES = (*FRESHNESS_FILTERS, "failed")


def stats(
    window: Annotated[str, typer.Option(help=" | ".join(_WINDOWS))] = "1h", as_json: AsJson = False, wait: Wait = WAIT
) -> None:
    """Print throughput, percentiles of waits and runs, and outcomes of the last hours or days."""
    if window not in _WINDOWS:
        raise typer.BadParameter(f"one of {', '.join(_WINDOWS)}", param_hint="--window")
    with connect_operations(wait) as client:
        found = client.get_statistics(_WINDOWS[window])
    if as_json:
        print_json(plain(found))
        return
    typer.echo(f"{moment(found, 'from')} to {moment(found, 'to')} UTC")
    for name, each in (("wait", found.wait), ("run", found.run)):
        typer.echo(f"{name:<5}{_percentiles(each)}{', within 5 %' if found.bucketed and each.count else ''}")
    if not found.outcomes:
        typer.echo("no attempt ended")
    for outcome in found.outcomes:
        reason = f"  {outcome.error_reason}" if outcome.error_reason else ""
        typer.echo(f"{outcome.outcome:<16}{outcome.count:>10,}{reason}")
    for rescue in found.rescues:
        typer.echo(f"rescued ({rescue.cause}): {rescue.count:,}")
    typer.echo(f"late results refused: {found.late_results_refused:,}")
    typer.echo(f"bundles lost by the cache: {found.cache_losses:,}")


def coverage(  # noqa: PLR0917 - typer reads options from parameters
    state: Annotated[str, typer.Option(help=f"{' | '.join(_STATES)}; failed ones are cold too.")] = "",
    query: Annotated[str, typer.Option("--query", "-q", help="Only comparisons of which a term begins with it.")] = "",
    tf: Annotated[str, typer.Option(help="7d | 30d | 3m | 12m | 5y | all")] = "",
    geo: Annotated[str | None, typer.Option(help="ISO 3166 code; empty for worldwide; default: any.")] = None,
    requested: Annotated[bool, typer.Option("--requested", help="Only those requested in the last 7 d.")] = False,
    limit: Limit = 50,
    page: Page = "",
    as_json: AsJson = False,
    wait: Wait = WAIT,
) -> None:
    """List which comparisons are warm until when, the most popular first, after counts of all."""
    if state and state not in _STATES:
        raise typer.BadParameter(f"one of {', '.join(_STATES)}", param_hint="--state")
    chosen = pb.CoverageFilter(state=state, query=query, timeframe=tf, geo=geo, requested=requested)
    with connect_operations(wait) as client:
        summary = client.get_coverage_summary()
        found = client.list_coverage(chosen, page_size=limit, page_token=page)
    if as_json:
        print_json({"summary": plain(summary), "comparisons": [plain(each) for each in found.comparisons]})
    else:
        typer.echo(f"all:       {_counts(summary.all)}")
        typer.echo(f"requested: {_counts(summary.requested)}")
        for each in found.comparisons:
            typer.echo(_covered(each))
    print_more(found.next_page_token)


def audit(limit: Limit = 50, page: Page = "", as_json: AsJson = False, wait: Wait = WAIT) -> None:
    """List what operators did, newest first."""
    with connect_operations(wait) as client:
        found = client.list_actions(page_size=limit, page_token=page)
    if as_json:
        print_json([plain(each) | {"target": json.loads(each.target or "{}")} for each in found.actions])
    else:
        for each in found.actions:
            typer.echo(_action(each))
    print_more(found.next_page_token)


def _percentiles(found: pb.Percentiles) -> str:
    if not found.count:
        return "nothing measured"
    return f"p50 {seconds(found.p50)}, p95 {seconds(found.p95)}, p99 {seconds(found.p99)} of {found.count:,}"


def _counts(found: pb.CoverageCount) -> str:
    states = ", ".join(f"{count(getattr(found, name))} {name}" for name in ("fresh", "stale", "cold"))
    reasons = ", ".join(
        f"{count(number)} by {reason}"
        for reason in Staleness
        if (number := getattr(found, f"stale_{reason.replace('-', '_')}"))
    )
    return f"{count(found.comparisons)} comparisons: {states}{f'; stale: {reasons}' if reasons else ''}"


def _covered(found: pb.CoveredComparison) -> str:
    where = f"{found.comparison.slug} {found.comparison.timeframe} {found.comparison.geo or 'worldwide'}"
    until = moment(found, "fresh_until" if found.state == "fresh" else "warm_until")
    because = f"  stale by {found.stale_because}" if found.stale_because else ""
    # The forecasts of a cold one ended then.
    word = "since" if found.state == "cold" else "until"
    return f"{found.state:<6} {word} {until:<19}  demand {found.demand:>8.1f}  {where}{because}"


def _action(found: pb.OperatorAction) -> str:
    reason = f"  “{found.reason}”" if found.reason else ""
    operation = f"  operation {found.operation_id}" if found.operation_id else ""
    what = f"{found.action:<8}{found.count:>7,}  {found.target}"
    error = f"  failed: {found.error}" if found.error else ""
    return f"{moment(found, 'at')}  {found.operator}  {what}{operation}{reason}{error}"
