"""Every `warmcast` and `kubectl` command that a page or a manifest's comment names is one, down to its options."""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from services.cli.__main__ import app
from tests.paths import CHECKOUT
from tests.unit.cli.documented import commands

# What stands for a value, and one that the parser takes in its place.
PLACEHOLDERS = {"ID": "1", "REVISION": "0013", "NAME": "somebody", "FILE…": "README.md"}
USAGE_ERROR = typer.BadParameter.__mro__[1]  # wherever typer keeps its click
KUBECTL = Path(sys.executable).parent / "kubectl"


@pytest.mark.parametrize("command", [one for each in commands("warmcast") for one in each.split(" | ")])
def test_the_command_line_takes_it(command: str) -> None:
    _parse(shlex.split(command.removeprefix("warmcast ")))


@pytest.mark.parametrize("command", commands("kubectl"))
def test_kubectl_takes_it(command: str) -> None:
    words = shlex.split(command)[1:]
    if "--" in words:  # what follows runs in a pod
        program, *inner = words[words.index("--") + 1 :]
        assert program == "warmcast"
        _parse(inner)
        words = words[: words.index("--")]
    for option, path in itertools.pairwise(words):
        assert option not in {"-k", "-f"} or (CHECKOUT / path).exists(), path
    # Reads all options, and asks no server.
    ran = subprocess.run([KUBECTL, *words, "--help"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "SUBCOMMAND [options]" not in ran.stdout, "that is no command of this group"


@pytest.mark.parametrize(
    "wrong",
    ["warmups", "sweep --max 3", "jobs list --lost", "jobs shows 1", "jobs show WHICH", "import --max 3"],
)
def test_a_wrong_command_is_found(wrong: str) -> None:
    with pytest.raises((AssertionError, USAGE_ERROR)):
        _parse(shlex.split(wrong))


def test_there_are_commands() -> None:
    assert "warmcast jobs requeue --status failed --error-reason unavailable --dry-run" in commands("warmcast")
    assert any(each.startswith("kubectl -n warmcast-dev create secret generic") for each in commands("kubectl"))


def _parse(words: list[str]) -> None:
    """As the command itself would, without running it. One that is only named, with no words, need only be there."""
    command: typer.core.TyperCommand | typer.core.TyperGroup = typer.main.get_command(app)  # type: ignore[assignment]
    rest = [PLACEHOLDERS.get(word, word) for word in words]
    while isinstance(command, typer.core.TyperGroup) and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"there is no command {rest[0]}"
        command = command.commands[rest.pop(0)]  # type: ignore[assignment]
    if rest and rest != ["--help"]:
        command.make_context(command.name, rest)
