"""What the command line refuses by itself, before it asks anybody."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app

TOO_LARGE = "99999999999999999999"


@pytest.mark.parametrize(
    "words",
    [
        ("jobs", "show", TOO_LARGE),
        ("jobs", "show", "0"),
        ("jobs", "cancel", TOO_LARGE),
        ("jobs", "requeue", TOO_LARGE),
        ("jobs", "requeue", "--status", "failed", "--older-than", TOO_LARGE),
        ("jobs", "requeue", "--status", "failed", "--newer-than", TOO_LARGE),
        ("run-warmup", "--max", TOO_LARGE),
        ("retention", "--days", TOO_LARGE),
    ],
    ids=" ".join,
)
def test_a_number_that_no_message_holds_is_wrong_usage(words: tuple[str, ...]) -> None:
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 2
    assert "Invalid value" in ended.output
