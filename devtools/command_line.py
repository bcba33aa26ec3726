"""Writes docs/reference/cli.md from the commands' help: `python -m devtools.command_line`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from devstack.settings import CHECKOUT
from services.cli.__main__ import app

PAGE = CHECKOUT / "docs" / "reference" / "cli.md"
_HEAD = """\
# Command line

<!-- Written by `make docs`. -->

`warmcast` starts the services and has the commands for operators and CronJobs. Client commands call jobs at `JOBS_ADDR`
and send the secret in `WARMUP_SECRET`; `explain` also calls the forecaster at `FORECASTER_ADDR`.
[configuration](configuration.md) lists all variables.

Client commands print JSON for programs with `--json`: 64-bit integers are numbers, times are ISO 8601 in UTC. What is
for people only, such as progress and the token of the next page, goes to standard error.

Exit codes:

| code | meaning |
| --- | --- |
| 0 | success |
| 1 | failure: not found, wrong state, a run that did not become ready, an operation that failed or was aborted |
| 2 | a wrong option, setting or file |
| 3 | a missing or wrong secret |
| 4 | a service or the database could not be reached |
| 130 | Ctrl-C aborted an operation on all jobs that matched |
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_sections(typer.main.get_command(app), "warmcast")])


def _sections(command: Any, name: str) -> Iterator[str]:  # typer does not export click's types
    if hasattr(command, "commands"):
        for each in sorted(command.commands):
            yield from _sections(command.commands[each], f"{name} {each}")
        return
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *(_argument(each) for each in arguments)])
    yield f"## `{name}`\n\n{inspect.cleandoc(command.help or '')}\n\n```text\nUsage: {usage}\n```\n"
    if command.params:
        rows = [_row(each) for each in (*arguments, *options)]
        yield "\n".join(["| parameter | default | meaning |", "| --- | --- | --- |", *rows, ""])


def _argument(parameter: Any) -> str:
    return str(parameter.name).upper() + ("..." if parameter.nargs == -1 else "")


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{each}`" for each in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{_argument(parameter)}`"
    default = parameter.default
    known = default not in (None, "", ()) and isinstance(default, str | int | float | bool)
    shown = f"`{str(default).lower() if isinstance(default, bool) else default}`" if known else ""
    shown = shown or ("required" if parameter.required else "none")
    return f"| {names} | {shown} | {(parameter.help or '').replace('|', '·')} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
