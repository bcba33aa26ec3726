"""`warmcast migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from services.common import settings


def migrate(
    sql: Annotated[bool, typer.Option("--sql", help="Print the migration as SQL for psql; touch no database.")] = False,
    down: Annotated[str, typer.Option(help="Go back to this revision instead; `base` is empty.")] = "",
) -> None:
    """Bring the database at DATABASE_URL to this release's schema."""
    # The database's modules are imported by this command alone.
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    from services.jobs import migrate as migrations  # noqa: PLC0415
    from services.jobs.settings import MigrationSettings  # noqa: PLC0415

    if sql:
        print(migrations.sql(downward=bool(down)), end="")
        return
    url = settings.load(MigrationSettings).database_url.get_secret_value()
    try:
        if down:
            migrations.downgrade(url, down)
            revision = down
        else:
            revision = migrations.upgrade(url)
    except OperationalError:
        typer.echo("warmcast: the database at DATABASE_URL cannot be reached", err=True)
        raise typer.Exit(4) from None
    kept = not down and revision > migrations.head()
    typer.echo(f"schema is at {revision}{', newer than this release knows, and stays as it is' if kept else ''}")
