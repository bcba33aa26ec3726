"""`make check-protos` compares with where main stood, and sees what would break a client."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devtools import breaking

PROTO = 'syntax = "proto3";\npackage p.v1;\nmessage M {\n  string a = 1;\n  string b = 2;\n}\n'


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "protos" / "p" / "v1").mkdir(parents=True)
    (tmp_path / "protos" / "buf.yaml").write_text("version: v2\n")
    (tmp_path / "protos" / "p" / "v1" / "p.proto").write_text(PROTO)
    _git(tmp_path, "init", "-q", "-b", "main")
    _commit(tmp_path)
    monkeypatch.setattr(breaking, "CHECKOUT", tmp_path)
    return tmp_path


def test_a_first_commit_has_nothing_to_break(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert breaking.main() == 0
    assert "no earlier commit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "breaks"),
    [("  string b = 2;\n", True), ("", False)],
)
def test_a_field_that_goes_breaks_a_client(checkout: Path, change: str, breaks: bool) -> None:
    _commit(checkout)
    proto = checkout / "protos" / "p" / "v1" / "p.proto"
    proto.write_text(PROTO.replace(change, "") if change else PROTO.replace("}", "  string c = 3;\n}"))
    assert (breaking.main() != 0) is breaks


def test_work_on_a_branch_is_compared_with_where_it_left_main(checkout: Path) -> None:
    left = _git(checkout, "rev-parse", "HEAD")
    _git(checkout, "switch", "-q", "-c", "work")
    _commit(checkout)
    _commit(checkout)
    assert breaking.base_commit(checkout) == left


def _commit(folder: Path) -> None:
    _git(folder, "add", ".")
    _git(folder, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-q", "--allow-empty", "-m", "a change")


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
