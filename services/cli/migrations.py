"""`warmcast migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from services.common import settings


def migrate(
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the migrations as SQL for psql; connect to no database.")
    ] = False,
    down: Annotated[str, typer.Option(help="Revision to downgrade to; `base` drops all tables.")] = "",
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds to wait for a database that cannot be reached.")
    ] = 120,
) -> None:
    """Upgrade the schema of the database at DATABASE_URL to this release's."""
    # Only this command imports the database's modules.
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
    is_newer = not down and revision > migrations.head()
    typer.echo(f"schema is at {revision}{', newer than this release knows; left unchanged' if is_newer else ''}")


def _report(line: str) -> None:
    typer.echo(f"warmcast: {line}", err=True)
