"""The command."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer
from warmcast.client import WarmcastError

from services.cli.client import STATUS_WAIT, connect_all, exit_code, fail
from services.cli.explain.fetch import Fetched, fetch
from services.cli.explain.story import build_story
from services.cli.explain.text import lines


def explain(
    slug: Annotated[str, typer.Argument(help="The two terms, such as amazon-vs-costco.")],
    tf: Annotated[str, typer.Option(help="7d | 30d | 3m | 12m | 5y | all; default: 12m.")] = "",
    geo: Annotated[str, typer.Option(help="ISO 3166 code or metro area; default: worldwide.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", min=0, max=3600, help="Seconds to wait for a connection to each service; 0: do not wait."
        ),
    ] = STATUS_WAIT,
) -> None:
    """Print the story of one comparison: snapshot, job, its last attempts, Redis keys, and what premium would answer.

    Says why, and adds the interpretations. Changes and enqueues nothing. If the forecaster fails, the rest is printed,
    and the exit code says so.
    """
    try:
        fetched = asyncio.run(_fetch(wait, slug, tf, geo))
    except WarmcastError as error:
        fail(error)
    story = build_story(fetched)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(story), indent=2).decode())
    else:
        for line in lines(story):
            typer.echo(line)
    if fetched.error:
        raise typer.Exit(exit_code(fetched.error))


async def _fetch(wait: float, slug: str, timeframe: str, geo: str) -> Fetched:
    async with connect_all(wait) as clients:
        return await fetch(clients, slug, timeframe, geo)
