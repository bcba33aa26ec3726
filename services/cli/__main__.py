"""The command line: services, scheduled commands, and commands for operators.

Each command imports its modules when it runs, so that a client command loads no engine and no database.
"""

from __future__ import annotations

import sys

import typer

from services.cli import api_keys, jobs, migrations, servers, trust, warmups
from services.cli.explain.command import explain
from services.cli.operators import reports

app = typer.Typer(
    name="warmcast",
    help="Forecasts for two search terms, computed ahead by a durable queue.",
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
app.command()(explain)
app.command()(trust.trust)
app.command()(reports.stats)
app.command()(reports.coverage)
app.command()(reports.audit)
app.command("api-key")(api_keys.api_key)


def main() -> None:
    """The `warmcast` command."""
    _refuse_other_encodings(sys.argv[1:])
    app()


def _refuse_other_encodings(arguments: list[str]) -> None:
    """Exits with 2 if an argument is not UTF-8: no message can hold it."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            print(f"warmcast: the argument {argument!a} is not valid UTF-8", file=sys.stderr)
            raise SystemExit(2) from None


if __name__ == "__main__":
    main()
