"""The page of the command line matches the commands."""

from __future__ import annotations

from devtools import command_line


def test_the_page_matches_the_commands() -> None:
    assert command_line.PAGE.read_text(encoding="utf-8") == command_line.page(), "run `make docs`"


def test_the_page_names_commands_options_and_arguments() -> None:
    page = command_line.page()
    assert "## `warmcast jobs requeue`" in page
    assert "| `--charset` |" in page
    assert "warmcast import [OPTIONS] FILES..." in page
