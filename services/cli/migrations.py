"""`warmcast migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from services.common import settings


def migrate(
    sql: Annotated[bool, typer.Option("--sql", help="Print the migration as SQL for psql; touch no database.")] = False,
    down: Annotated[str, typer.Option(help="Go back to this revision instead; `base` is empty.")] = "",
    wait: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for a database that is away.")] = 120,
) -> None:
    """Bring the database at DATABASE_URL to this release's schema."""
    # The database's modules are imported by this command alone.
    from services.jobs.migrator import commands as migrations  # noqa: PLC0415
    from services.jobs.migrator.errors import DatabaseUnreachableError, MigrationError  # noqa: PLC0415
    from services.jobs.settings import MigrationSettings  # noqa: PLC0415

    if sql:
        print(migrations.sql(downward=bool(down)), end="")
        return
    url = settings.load(MigrationSettings).database_url.get_secret_value()
    try:
        if down:
            revision = migrations.downgrade(url, down, wait=wait, report=_report)
        else:
            revision = migrations.upgrade(url, wait=wait, report=_report)
    except MigrationError as error:
        _report(str(error))
        raise typer.Exit(4 if isinstance(error, DatabaseUnreachableError) else 1) from None
    kept = not down and revision > migrations.head()
    typer.echo(f"schema is at {revision}{', newer than this release knows, and stays as it is' if kept else ''}")


def _report(line: str) -> None:
    typer.echo(f"warmcast: {line}", err=True)
