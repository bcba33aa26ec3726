"""The one command line: services, what CronJobs run, and what operators type.

Each command imports what it needs when it runs, so that a client command starts without engine or database.
"""

from __future__ import annotations

import typer

from services.cli import api_keys, jobs, migrations, servers, trust, warmups

app = typer.Typer(
    name="warmcast",
    help="Forecasts for two search terms, warmed by a queue that loses nothing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(servers.gateway)
app.command()(servers.forecaster)
app.add_typer(jobs.app, name="jobs")
app.command()(migrations.migrate)
app.command("import")(warmups.import_files)
app.command("run-warmup")(warmups.run_warmup)
app.command()(warmups.sweep)
app.command()(warmups.refresh)
app.command()(warmups.retention)
app.command()(warmups.status)
app.command()(trust.trust)
app.command("api-key")(api_keys.api_key)


def main() -> None:
    """The `warmcast` command."""
    app()


if __name__ == "__main__":
    main()
