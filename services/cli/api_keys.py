"""`warmcast api-key`: creates an API key for premium."""

from __future__ import annotations

from typing import Annotated

import typer


def api_key(
    name: Annotated[str, typer.Argument(help="Name of the key's user; appears in logs.")],
    rate: Annotated[str, typer.Option(help="Requests a second, or requests/seconds.")] = "10",
) -> None:
    """Create a random API key. Prints the key, which is not stored, and the API_KEYS entry with its hash."""
    from services.gateway.auth.api_keys import new_api_key  # noqa: PLC0415 - this command alone needs it
    from services.gateway.auth.rate_limits import Rate  # noqa: PLC0415

    try:
        key, kept = new_api_key(name, Rate.parse(rate))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo("key for its user (not stored; sent as X-API-Key, or as Authorization: Bearer):", err=True)
    typer.echo(key)
    typer.echo("entry for the gateway's API_KEYS (separate several with commas):", err=True)
    typer.echo(kept.entry())
