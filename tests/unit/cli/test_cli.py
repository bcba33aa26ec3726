"""What the command line refuses by itself, before it asks anybody."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app, main

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


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "--page", "\udcff"),
        ("jobs", "list", "--slug", "\udcff-vs-tea"),
        ("jobs", "requeue", "1", "--reason", "caf\udce9"),
        ("import", "\udcff.csv"),
    ],
    ids=lambda words: words[0],
)
def test_an_argument_that_is_not_utf8_is_wrong_usage(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["warmcast", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "is not valid UTF-8" in capsys.readouterr().err
