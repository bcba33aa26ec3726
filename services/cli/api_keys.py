"""`warmcast api-key`: makes a key for premium."""

from __future__ import annotations

from typing import Annotated

import typer


def api_key(
    name: Annotated[str, typer.Argument(help="Whose it is; shown in logs and to its user.")],
    rate: Annotated[str, typer.Option(help="Requests a second, or requests/seconds.")] = "10",
) -> None:
    """Make a random API key: print it once, and the entry for API_KEYS that holds its hash."""
    from services.gateway.auth.api_keys import new_api_key  # noqa: PLC0415 - this command alone needs it
    from services.gateway.auth.rate_limits import Rate  # noqa: PLC0415

    try:
        key, kept = new_api_key(name, Rate.parse(rate))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo("key for its user (kept nowhere; sent as X-API-Key, or as Authorization: Bearer):", err=True)
    typer.echo(key)
    typer.echo("entry for the gateway's API_KEYS (several are joined by commas):", err=True)
    typer.echo(kept.entry())
